"""A monitoring rule with its parameters: a row, so that what ran can be shown later."""

from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel


class Scenario(BaseModel):
    """One version of a scenario; at most one version of a code is active.

    `bounds` maps each parameter to its lowest and highest allowed value (as strings).
    Thresholds are amounts in `currency`, and only movements in it are looked at.
    """

    code = models.CharField(max_length=50)
    version = models.PositiveIntegerField(default=1)
    title = models.CharField(max_length=100)
    currency = models.CharField(max_length=3, default="USD")
    parameters = models.JSONField()
    bounds = models.JSONField()
    is_active = models.BooleanField(default=False)

    class Meta:
        ordering = ("code", "-version")
        constraints = (
            models.UniqueConstraint(fields=["code", "version"], name="compliance_scenario_version"),
            models.UniqueConstraint(
                fields=["code"], condition=Q(is_active=True), name="compliance_scenario_active"
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} v{self.version}"
