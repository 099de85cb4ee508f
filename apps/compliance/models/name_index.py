"""The index of the listed names as bytes: built once, read by every process."""

from django.db import models

from apps.core.models import BaseModel


class NameIndexFile(BaseModel):
    """One a kind of entry; `state` is a digest of list versions, matcher and layout."""

    kind = models.CharField(max_length=12, unique=True)
    state = models.CharField(max_length=64)
    content = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.kind} {self.state[:8]}"
