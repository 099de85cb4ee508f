"""What happened to webhooks; an address is nobody's business but its owner's."""

from dataclasses import dataclass
from typing import ClassVar

from apps.core.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class WebhookEvent(DomainEvent):
    """What every event of a webhook says."""

    name: ClassVar[str] = "notifications.webhook.any"

    webhook_id: str
    client_id: str


@dataclass(frozen=True, kw_only=True)
class WebhookCreated(WebhookEvent):
    name: ClassVar[str] = "notifications.webhook.created"

    events: list[str]


@dataclass(frozen=True, kw_only=True)
class WebhookRevoked(WebhookEvent):
    name: ClassVar[str] = "notifications.webhook.revoked"


@dataclass(frozen=True, kw_only=True)
class WebhookDisabled(WebhookEvent):
    """Too many deliveries in a row failed, or the address said that it is gone."""

    name: ClassVar[str] = "notifications.webhook.disabled"

    reason: str


@dataclass(frozen=True, kw_only=True)
class WebhookEnabled(WebhookEvent):
    name: ClassVar[str] = "notifications.webhook.enabled"
