"""The base of every API view."""

from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from apps.infrastructure.api.parsers import UNSTORABLE


class ApiView(APIView):
    """`query_parameters` names what a GET may ask; anything else, or anything twice, is a 400."""

    query_parameters: frozenset[str] = frozenset()
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        problems: dict[str, list[ErrorDetail]] = {}
        for name, values in request.query_params.lists():
            if name not in self.query_parameters:
                problems[name[:100]] = [ErrorDetail("There is no such parameter.", "unknown_field")]
            elif len(values) > 1:
                problems[name] = [ErrorDetail("The parameter stands twice.", "duplicate")]
            elif UNSTORABLE.search(values[0]):
                problems[name] = [ErrorDetail("Not a text that can be stored.", "invalid")]
        if problems:
            raise ValidationError(problems)

    @staticmethod
    def validated(serializer: "Serializer[object]") -> dict[str, object]:
        """Return the valid data of an input serializer; raises ValidationError."""
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
