"""Questions to the tables of compliance that concern many rows."""

from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import models

from apps.compliance.domain.kyc import CLEARED, DECIDABLE
from apps.core.errors import NotFound

if TYPE_CHECKING:
    from apps.compliance.models.alert import Alert
    from apps.compliance.models.kyc import KycRecord


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

    def unassigned(self) -> Self:
        return self.filter(status="OPEN", assignee=None)

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
