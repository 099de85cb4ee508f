"""Domain events: what happened, in the past tense, never changed.

An event's own fields are JSON primitives (amounts and ids as strings), and hold no personal data:
the audit trail keeps them for ever.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar
from uuid import uuid4


@dataclass(frozen=True, kw_only=True)
class DomainEvent:
    """`stream` names the aggregate (`order-<id>`); emit() fills actor, version and correlation."""

    name: ClassVar[str]
    types: ClassVar[dict[str, type["DomainEvent"]]] = {}

    stream: str
    event_id: str = field(default_factory=lambda: str(uuid4()))
    occurred_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    version: int = 0
    actor_id: str | None = None
    correlation_id: str = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.types.setdefault(cls.name, cls).__qualname__ != cls.__qualname__:
            raise TypeError(f"Two events are named {cls.name}.")

    @property
    def payload(self) -> dict[str, Any]:
        """The event's own fields, without the envelope that every event has."""
        envelope = {item.name for item in fields(DomainEvent)}
        return {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if item.name not in envelope
        }


EventT = TypeVar("EventT", bound=DomainEvent)
Handler = Callable[[Any], None]

_handlers: dict[str, dict[str, Handler]] = {}


def subscribe(
    event_type: type[EventT],
) -> Callable[[Callable[[EventT], None]], Callable[[EventT], None]]:
    """Deliver the event to the decorated function after its transaction committed.

    Delivery is at least once and in order within a stream: the handler must be idempotent.
    """

    def register(handler: Callable[[EventT], None]) -> Callable[[EventT], None]:
        path = f"{handler.__module__}.{handler.__qualname__}"
        _handlers.setdefault(event_type.name, {})[path] = handler
        return handler

    return register


def handlers_of(event_name: str) -> dict[str, Handler]:
    """Return the subscribers of an event by their dotted path."""
    return _handlers.get(event_name, {})
