"""The base of every input: a field that nobody asked for is an error, not a surprise."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail


class InputSerializer(serializers.Serializer[Any]):
    """Refuses unknown fields with the code `unknown_field`, so nothing is assigned by accident."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                detail = ErrorDetail("There is no such field.", code="unknown_field")
                raise serializers.ValidationError({name[:100]: [detail] for name in unknown[:20]})
        return super().to_internal_value(data)
