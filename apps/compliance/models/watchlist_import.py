"""Where lists come from, and every attempt to bring one in."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.compliance.models.watchlist import WatchlistVersion
from apps.core.models import BaseModel


class WatchlistSource(BaseModel):
    """An address that a list is fetched from; off until somebody else than its author turns it on.

    `etag` and `modified` are what the publisher said of the file that is in force: it is asked for
    anything else only.
    """

    list_code = models.CharField(max_length=30, unique=True)
    url = models.CharField(max_length=500)
    interval_hours = models.PositiveSmallIntegerField(default=6)
    is_active = models.BooleanField(default=False)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    etag = models.CharField(max_length=200, blank=True)
    modified = models.CharField(max_length=100, blank=True)
    checked_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(interval_hours__gte=1) & Q(interval_hours__lte=168),
                name="watchlist_source_interval",
            ),
            models.CheckConstraint(
                condition=Q(is_active=False)
                | (
                    Q(activated_by__isnull=False, changed_by__isnull=False)
                    & ~Q(activated_by=F("changed_by"))
                ),
                name="watchlist_source_two_people",
            ),
        )
        ordering = ("list_code",)
        permissions = (("propose_watchlist", "Can change sources and the firm's own list"),)

    def __str__(self) -> str:
        return self.list_code

    @property
    def stream(self) -> str:
        return f"watchlist-{self.list_code}"


class WatchlistImport(BaseModel):
    """One attempt; what is not ended and has no process any more was cut off and did nothing."""

    class Status(models.TextChoices):
        RUNNING = "RUNNING", "Running"
        IMPORTED = "IMPORTED", "In force"
        UNCHANGED = "UNCHANGED", "Unchanged"
        REFUSED = "REFUSED", "Refused"
        ABORTED = "ABORTED", "Cut off"

    list_code = models.CharField(max_length=30)
    format = models.CharField(max_length=20, blank=True)
    checksum = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=9, choices=Status, default=Status.RUNNING)
    code = models.CharField(max_length=40, blank=True)
    message = models.CharField(max_length=500, blank=True)
    facts = models.JSONField(default=dict)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    version = models.ForeignKey(
        WatchlistVersion, null=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField(null=True)
    # A file that lost too much is let in when two people say that it is right.
    override_reason = models.CharField(max_length=1000, blank=True)
    override_proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    override_confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(override_confirmed_by=None)
                | (
                    Q(override_proposed_by__isnull=False)
                    & ~Q(override_proposed_by=F("override_confirmed_by"))
                    & ~Q(override_reason="")
                ),
                name="watchlist_override_two_people",
            ),
            models.CheckConstraint(
                condition=Q(status="RUNNING", ended_at=None)
                | (~Q(status="RUNNING") & Q(ended_at__isnull=False)),
                name="watchlist_import_ended",
            ),
        )
        indexes = (
            models.Index(fields=["list_code", "-created_at"], name="watchlist_import_newest"),
        )
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.list_code} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def stream(self) -> str:
        return f"watchlist-{self.list_code}"
