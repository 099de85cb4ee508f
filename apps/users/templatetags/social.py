"""What pages show of the identity providers."""

from typing import TYPE_CHECKING, Any

from django import template
from django.conf import settings

from apps.users.selectors import social_provider_names

if TYPE_CHECKING:
    from apps.users.models import User

register = template.Library()


@register.simple_tag
def social_providers() -> list[dict[str, str]]:
    """Return the configured providers, each with `id` and `name`."""
    return [{"id": key, "name": row["name"]} for key, row in settings.SOCIAL_PROVIDERS.items()]


@register.simple_tag
def social_choices(user: "User") -> list[dict[str, Any]]:
    """Return the configured providers, and which of them open the user's account."""
    connected = social_provider_names(user)
    return [{**row, "is_connected": row["id"] in connected} for row in social_providers()]
