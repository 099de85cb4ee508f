"""The firm's own list is changed under four eyes."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core.models import BaseModel


class OwnListChange(BaseModel):
    """A change of the firm's own list: proposed by one officer, carried out by another.

    `payload` holds the entries as they shall be; `base_version` is the version of the list that
    the proposer saw, and a change of another one is refused.
    """

    class Action(models.TextChoices):
        PUT = "PUT", "Add or edit"
        END = "END", "End"
        REPLACE = "REPLACE", "Replace the whole list"

    class Status(models.TextChoices):
        PROPOSED = "PROPOSED", "Waits for a second officer"
        DONE = "DONE", "Carried out"
        DECLINED = "DECLINED", "Declined"

    action = models.CharField(max_length=7, choices=Action)
    uid = models.CharField(max_length=100, blank=True)
    payload = models.JSONField(default=list)
    payload_hash = models.CharField(max_length=64)
    base_version = models.PositiveIntegerField()
    reason = models.CharField(max_length=1000)
    status = models.CharField(max_length=8, choices=Status, default=Status.PROPOSED)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=~Q(status="DONE")
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("proposed_by"))),
                name="own_list_two_officers",
            ),
            models.CheckConstraint(
                condition=Q(status="PROPOSED", decided_at=None)
                | (~Q(status="PROPOSED") & Q(decided_at__isnull=False)),
                name="own_list_decided",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="own_list_reason"),
        )
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.uid}".strip()

    @property
    def stream(self) -> str:
        return f"own-list-{self.id}"
