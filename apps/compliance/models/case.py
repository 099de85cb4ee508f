"""A question about a client that is bigger than one alert: a true match opens one at once."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel


class Case(BaseModel):
    """At most one is open for a client; `origin` names what opened it first (`hit-` and an id)."""

    class Status(models.TextChoices):
        OPEN = "OPEN", "Open"
        CLOSED = "CLOSED", "Closed"

    client = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    origin = models.CharField(max_length=60)
    status = models.CharField(max_length=6, choices=Status, default=Status.OPEN)
    opened_at = models.DateTimeField()

    class Meta:
        ordering = ("-opened_at",)
        constraints = (
            models.UniqueConstraint(
                fields=["client"], condition=Q(status="OPEN"), name="compliance_case_one_open"
            ),
        )

    def __str__(self) -> str:
        return f"Case {str(self.id)[:8]}"

    @property
    def stream(self) -> str:
        return f"case-{self.id}"
