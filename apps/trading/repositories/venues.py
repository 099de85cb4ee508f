"""Questions to the tables of live venues."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef, Q, Sum

from apps.core.errors import NotFound

if TYPE_CHECKING:
    from apps.trading.models import VenueDifference, VenueFill, VenueInstruction


class VenueInstructionQuerySet(models.QuerySet["VenueInstruction"]):
    model: "type[VenueInstruction]"

    def pending(self) -> Self:
        return self.filter(status="PENDING")

    def due(self, at: datetime) -> Self:
        """Keep what may be sent now: of one order, the oldest alone."""
        older = self.model.objects.filter(status="PENDING", order=OuterRef("order")).filter(
            Q(created_at__lt=OuterRef("created_at"))
            | Q(created_at=OuterRef("created_at"), id__lt=OuterRef("id"))
        )
        return self.pending().filter(~Exists(older), next_attempt_at__lte=at)

    def locked(self, instruction_id: UUID) -> "VenueInstruction":
        return self.select_for_update(no_key=True, of=("self",)).get(id=instruction_id)

    def locked_due(self, instruction_id: UUID, at: datetime) -> "VenueInstruction | None":
        """Load it for sending; None when another worker has it, or another goes first."""
        rows = self.due(at).select_for_update(no_key=True, of=("self",), skip_locked=True)
        return rows.filter(id=instruction_id).first()

    def orders(self) -> Self:
        """Keep those by which an order of ours is known at the venue."""
        return self.filter(kind__in=["SUBMIT", "REPLACE"])

    def taken(self) -> Self:
        """Keep the orders that the venue has, newest first."""
        return self.orders().filter(status="DONE").order_by("-created_at", "-id")

    def current(self) -> Self:
        """Keep the orders that the venue works by, newest first: no replacement in doubt."""
        return self.taken().filter(Q(replacement=None) | Q(replacement__status="REPLACED"))


class VenueFillQuerySet(models.QuerySet["VenueFill"]):
    def waiting(self) -> Self:
        """Keep what is not booked, oldest first."""
        return self.filter(execution=None).order_by("executed_at", "id")

    def questionable(self) -> Self:
        """Keep what is not booked, and what the venue told twice with other figures."""
        return self.exclude(problem="")

    def locked(self, fill_id: UUID) -> "VenueFill":
        return self.select_for_update(of=("self",)).get(id=fill_id)

    def booked_of(self, venue_order_id: str) -> Decimal:
        """Return the units that are booked of one order of the venue's."""
        booked = self.filter(venue_order_id=venue_order_id, execution__isnull=False)
        units: Decimal = booked.aggregate(units=Sum("quantity", default=Decimal(0)))["units"]
        return units


class VenueDifferenceQuerySet(models.QuerySet["VenueDifference"]):
    def open(self) -> Self:
        return self.filter(status="OPEN")

    def locked(self, difference_id: UUID) -> "VenueDifference":
        row = self.select_for_update().filter(id=difference_id).first()
        if row is None:
            raise NotFound("There is no such difference.")
        return row

    def newest_of(self, venue: str) -> "dict[tuple[str, str], VenueDifference]":
        """Return the last word on each thing that ever differed, by kind and asset."""
        rows = self.filter(venue=venue).order_by("kind", "asset", "-created_at", "-id")
        return {(row.kind, row.asset): row for row in rows.distinct("kind", "asset")}
