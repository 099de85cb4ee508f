"""What audit itself has to tell."""

from dataclasses import dataclass
from typing import ClassVar

from apps.core.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class AccessMade(DomainEvent):
    """Staff read something of the desk or the API; `objects` are the ids in the address."""

    name: ClassVar[str] = "audit.access.made"

    method: str
    route: str
    objects: dict[str, str]
