"""Tells OpenAPI how requests authenticate."""

import re
from typing import Any

from django.conf import settings
from drf_spectacular.authentication import SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


class JWTScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apps.users.authentication.JWTAuthentication"
    name = "accessToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Names the scope beside each operation that keys may do, and nothing beside the others."""

    target_class = "apps.users.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "sk_live_… or sk_test_…"}

    def get_security_requirement(
        self, auto_schema: AutoSchema
    ) -> dict[str, list[Any]] | list[dict[str, list[Any]]]:
        for operation, scope in settings.API_KEY_OPERATIONS.items():
            described = re.sub(r"<\w+:(\w+)>", r"{\1}", operation).replace(" ", " /")
            if described == f"{auto_schema.method} {auto_schema.path}":
                return {"apiKey": [scope]}
        return []


class PortalSessionScheme(SessionScheme):  # type: ignore[no-untyped-call]
    target_class = "apps.users.authentication.SessionAuthentication"
    name = "portalSession"
