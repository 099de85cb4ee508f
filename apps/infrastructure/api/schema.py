"""What every operation of the API shares in its OpenAPI description."""

from typing import Any

from drf_spectacular import openapi
from drf_spectacular.utils import OpenApiParameter

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


class AutoSchema(openapi.AutoSchema):
    """Adds the Idempotency-Key to the operations that demand it."""

    def get_override_parameters(self) -> list[Any]:
        post = getattr(self.view, self.method.lower(), None)
        needed = [IDEMPOTENCY_KEY] if getattr(post, "is_idempotent", False) else []
        return [*super().get_override_parameters(), *needed]


def add_problems(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Give every operation the same problem responses (a drf-spectacular post-processing hook)."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    components.setdefault("responses", {})["Problem"] = PROBLEM
    for path in result.get("paths", {}).values():
        for operation in path.values():
            for status in STATUSES:
                operation["responses"].setdefault(
                    status, {"$ref": "#/components/responses/Problem"}
                )
    return result
