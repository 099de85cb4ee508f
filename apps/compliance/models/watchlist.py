"""Sanctions and other lists, versioned: what a list said when somebody was screened."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel


class WatchlistVersion(BaseModel):
    """One import that changed something; `checksum` is SHA-256 over the files in order.

    `issued_on` is the publisher's own day, where the file tells one.  `reader` names the version of
    the code that read them: newer code reads the same file again.
    """

    list_code = models.CharField(max_length=30)
    version = models.PositiveIntegerField()
    checksum = models.CharField(max_length=64)
    format = models.CharField(max_length=20)
    reader = models.CharField(max_length=20)
    issued_on = models.DateField(null=True)
    entity_count = models.PositiveIntegerField()
    name_count = models.PositiveIntegerField()
    added_count = models.PositiveIntegerField()
    changed_count = models.PositiveIntegerField()
    removed_count = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["list_code", "version"], name="watchlist_version"),
        )
        ordering = ("list_code", "-version")

    def __str__(self) -> str:
        return f"{self.list_code} v{self.version}"


class WatchlistEntity(models.Model):
    """One entry as one version of the list had it; a changed entry is a new row.

    In force while `removed_in` is null; rows are never deleted, so that an old hit can be read.
    """

    class Kind(models.TextChoices):
        PERSON = "PERSON", "Person"
        ORGANISATION = "ORGANISATION", "Organisation"
        VESSEL = "VESSEL", "Vessel"
        AIRCRAFT = "AIRCRAFT", "Aircraft"

    class Gender(models.TextChoices):
        FEMALE = "F", "Female"
        MALE = "M", "Male"

    id = models.BigAutoField(primary_key=True)
    list_code = models.CharField(max_length=30)
    uid = models.CharField(max_length=255)
    kind = models.CharField(max_length=12, choices=Kind)
    programmes = ArrayField(models.CharField(max_length=200))
    birth_dates = ArrayField(models.CharField(max_length=10))
    birth_places = ArrayField(models.TextField(), default=list)
    nationalities = ArrayField(models.CharField(max_length=2), default=list)
    countries = ArrayField(models.CharField(max_length=2))
    addresses = ArrayField(models.TextField(), default=list)
    gender = models.CharField(max_length=1, blank=True, choices=Gender)
    # Rows of kind (IdentifierKind), value as it is written, country (alpha-2 or empty).
    identifiers = models.JSONField(default=list)
    remarks = models.TextField(blank=True)
    content_hash = models.CharField(max_length=64)
    added_in = models.ForeignKey(WatchlistVersion, on_delete=models.PROTECT, related_name="+")
    removed_in = models.ForeignKey(
        WatchlistVersion, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["list_code", "uid"],
                condition=Q(removed_in=None),
                name="watchlist_entity_in_force_once",
            ),
        )
        verbose_name_plural = "watchlist entities"

    def __str__(self) -> str:
        return f"{self.list_code} {self.uid}"


class WatchlistName(models.Model):
    """A name as the list writes it; `script` is its ISO 15924 code (Latn, Cyrl, Arab)."""

    class Kind(models.TextChoices):
        PRIMARY = "PRIMARY", "Primary name"
        ALIAS = "ALIAS", "Alias"
        FORMER = "FORMER", "Former name"

    id = models.BigAutoField(primary_key=True)
    entity = models.ForeignKey(WatchlistEntity, on_delete=models.CASCADE, related_name="names")
    name = models.CharField(max_length=400)
    kind = models.CharField(max_length=7, choices=Kind)
    script = models.CharField(max_length=4, blank=True)
    is_weak = models.BooleanField()

    def __str__(self) -> str:
        return self.name
