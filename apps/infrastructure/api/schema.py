"""What every operation of the API shares in its OpenAPI description."""

from typing import Any

from drf_spectacular import openapi
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from apps.infrastructure.api.fields import DecimalField, TextField
from apps.infrastructure.api.serializers import InputSerializer

PROBLEM = {
    "description": "A problem, with a stable code (RFC 9457).",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; the text of `detail` is not."},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
        "facts": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
STATUSES = ("400", "401", "403", "404", "405", "409", "413", "415", "422", "429", "503")
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]{1,255}$"},
    OpenApiParameter.HEADER,
    required=True,
    description="Chosen by the caller, once per intention; a repeat gets the first answer.",
)


# ECMA and Python differ about blanks; these are the ones that str.strip removes.
BLANKS = r"\t-\r\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
TEXT_PATTERN = rf"^[^\u0000]*[^\u0000{BLANKS}][^\u0000]*$"
ANY_TEXT_PATTERN = r"^[^\u0000]*$"


class DecimalFieldSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """In: a plain decimal as text, or an integer.  Out: text only."""

    target_class = DecimalField
    match_subclasses = True

    def map_serializer_field(
        self, auto_schema: openapi.AutoSchema, direction: str
    ) -> dict[str, Any]:
        field = self.target
        whole = field.max_digits - field.decimal_places
        number = rf"[0-9]{{1,{whole}}}(\.[0-9]{{1,{field.decimal_places}}})?"
        if direction == "response":
            return {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
        is_signed = field.min_value is None
        most = 10**whole - 1
        return {
            "type": ["string", "integer"],
            "pattern": f"^{'-?' * is_signed}{number}$",
            "minimum": -most if is_signed else int(field.min_value),
            "maximum": most,
        }


class TextFieldSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = TextField
    match_subclasses = True

    def map_serializer_field(
        self, auto_schema: openapi.AutoSchema, direction: str
    ) -> dict[str, Any]:
        field = self.target
        is_any = field.allow_blank or not field.trim_whitespace
        return {"type": "string", "pattern": ANY_TEXT_PATTERN if is_any else TEXT_PATTERN}


class AutoSchema(openapi.AutoSchema):
    """Adds the Idempotency-Key to the operations that demand it, and closes the inputs."""

    def get_override_parameters(self) -> list[Any]:
        post = getattr(self.view, self.method.lower(), None)
        needed = [IDEMPOTENCY_KEY] if getattr(post, "is_idempotent", False) else []
        return [*super().get_override_parameters(), *needed]

    def get_operation_id(self) -> str:
        """Name what answers in pages as a list."""
        name = str(super().get_operation_id())
        is_page = self.method == "GET" and "cursor" in getattr(self.view, "query_parameters", ())
        return f"{name.removesuffix('_retrieve')}_list" if is_page else name

    def _map_basic_serializer(
        self, serializer: serializers.Serializer[Any], direction: str
    ) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        described = serializer if isinstance(serializer, type) else type(serializer)
        if issubclass(described, InputSerializer):
            schema["additionalProperties"] = False
        return schema


def add_problems(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Give every operation the same problem responses (a drf-spectacular post-processing hook)."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    components.setdefault("responses", {})["Problem"] = PROBLEM
    for path in result.get("paths", {}).values():
        for operation in path.values():
            headers = {item["name"] for item in operation.get("parameters", ())}
            for status in (*STATUSES, *(("412",) if "If-Match" in headers else ())):
                operation["responses"].setdefault(
                    status, {"$ref": "#/components/responses/Problem"}
                )
    return result
