"""Names that an officer asked for, one at a time or many by file, with what came out."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedJSONField, EncryptedTextField


class ScreeningSearch(BaseModel):
    """One question: who asked, why, and of how many names; `digest` is keyed, over the file.

    A single name is a search with one row.  `failures` counts the tries of a chunk in a row; a
    search that FAILED keeps what was compared until then, and its file may be asked again.
    """

    class Status(models.TextChoices):
        RUNNING = "RUNNING", "Running"
        DONE = "DONE", "Done"
        FAILED = "FAILED", "Failed"

    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    purpose = EncryptedTextField[str, str](data_class="compliance")
    digest = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=7, choices=Status, default=Status.RUNNING)
    list_versions = models.JSONField(default=dict)
    matcher_version = models.CharField(max_length=20, blank=True)
    row_count = models.PositiveIntegerField()
    done_count = models.PositiveIntegerField(default=0)
    hit_count = models.PositiveIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    failure_code = models.CharField(max_length=30, blank=True)

    class Meta:
        ordering = ("-created_at",)
        verbose_name_plural = "screening searches"
        constraints = (
            models.UniqueConstraint(
                fields=["actor", "digest"],
                condition=~Q(digest=""),
                name="screening_search_file_once",
            ),
            models.CheckConstraint(
                condition=Q(done_count__lte=models.F("row_count")),
                name="screening_search_progress",
            ),
            models.CheckConstraint(
                condition=Q(status="FAILED", digest="", failure_code__gt="")
                | (~Q(status="FAILED") & Q(failure_code="")),
                name="screening_search_failure",
            ),
        )
        permissions = (("run_screeningsearch", "Can screen names on demand"),)

    def __str__(self) -> str:
        return f"Search {str(self.id)[:8]}"

    @property
    def stream(self) -> str:
        return f"screening-search-{self.id}"


class ScreeningSearchRow(models.Model):
    """One name of a search; `results` is null until it was compared."""

    id = models.BigAutoField(primary_key=True)
    search = models.ForeignKey(ScreeningSearch, on_delete=models.PROTECT, related_name="rows")
    number = models.PositiveIntegerField()
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    asked = EncryptedJSONField(data_class="compliance", row="uid")
    results = EncryptedJSONField(data_class="compliance", row="uid", null=True)
    is_done = models.BooleanField(default=False)

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["search", "number"], name="screening_search_row_once"),
        )

    def __str__(self) -> str:
        return f"{self.search_id} {self.number}"
