"""Questions to the tables of compliance that concern many rows."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import models

from apps.compliance.domain.kyc import CLEARED, DECIDABLE
from apps.core.errors import NotFound

if TYPE_CHECKING:
    from apps.compliance.models.alert import Alert
    from apps.compliance.models.kyc import KycRecord
    from apps.compliance.models.work_item import WorkItem
    from apps.users.models import User


class KycRecordQuerySet(models.QuerySet["KycRecord"]):
    def of(self, client_id: UUID) -> Self:
        return self.filter(client_id=client_id)

    def locked(self, record_id: UUID) -> "KycRecord":
        """Return the record under its row lock; raises NotFound."""
        record = self.select_for_update().filter(id=record_id).first()
        if record is None:
            raise NotFound("There is no such KYC record.")
        return record

    def cleared(self) -> Self:
        return self.filter(status__in=CLEARED)

    def decidable(self) -> Self:
        return self.filter(status__in=DECIDABLE)


class AlertQuerySet(models.QuerySet["Alert"]):
    def open(self) -> Self:
        """Everything that still waits for somebody: open or proposed."""
        return self.exclude(status="CLOSED")

    def awaiting_confirmation(self) -> Self:
        return self.filter(status="PROPOSED")

    def breached(self, at: datetime) -> Self:
        return self.open().filter(due_at__lt=at)

    def in_scope(self, *, client_id: UUID, scenario_code: str, dedup_key: str) -> Self:
        """Return the alerts of which only one may be open."""
        return self.filter(client_id=client_id, scenario_code=scenario_code, dedup_key=dedup_key)

    def locked(self, alert_id: UUID) -> "Alert":
        """Return the alert under its row lock; raises NotFound."""
        alert = self.select_for_update().filter(pk=alert_id).first()
        if alert is None:
            raise NotFound("There is no such alert.")
        return alert


class WorkItemQuerySet(models.QuerySet["WorkItem"]):
    def open(self) -> Self:
        return self.filter(closed_at=None)

    def locked(self, item_id: UUID) -> "WorkItem":
        """Return the item under its row lock; raises NotFound."""
        item = self.select_for_update().filter(pk=item_id).first()
        if item is None:
            raise NotFound("There is no such work.")
        return item

    def of_page(self, page_id: UUID) -> Self:
        """Return what is decided on one page."""
        return self.open().filter(page_id=page_id)

    def escalated(self) -> Self:
        """Return what a supervisor has to answer."""
        return self.open().filter(escalated_at__isnull=False, escalation_answered_at=None)

    def awaiting_second(self, officer: "User") -> Self:
        """Return what another officer proposed, about somebody else."""
        waiting = self.open().filter(proposed_by__isnull=False)
        return waiting.exclude(proposed_by=officer).exclude(client=officer)

    def unassigned_for(self, officer: "User", kinds: Collection[str]) -> Self:
        """Return what the officer could take: nobody's, and no proposal of theirs."""
        free = self.open().filter(assignee=None, kind__in=kinds)
        mine = models.Q(proposed_by=officer) | models.Q(client=officer)
        return free.exclude(mine)
