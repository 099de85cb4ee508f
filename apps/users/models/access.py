"""Changes of who a person is here: their address, their rights, whom they advise."""

from django.db import models

from apps.core.models import BaseModel
from apps.infrastructure.encryption import EncryptedTextField
from apps.users.models.user import User
from apps.users.repositories import (
    AdviserAssignmentQuerySet,
)


class EmailChange(BaseModel):
    """Another e-mail address that a user asked for; it counts from the moment it is confirmed.

    `token_hash` is the SHA-256 of what the mail to the new address holds.  `former_email` is the
    address before, which is told of the change too.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    email: "EncryptedTextField[str, str]" = EncryptedTextField(data_class="identity")
    former_email: "EncryptedTextField[str, str]" = EncryptedTextField(data_class="identity")
    token_hash = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(confirmed_at=None),
                name="users_emailchange_one",
            ),
        )

    def __str__(self) -> str:
        return str(self.id)


class AccessChange(BaseModel):
    """What gives somebody more access: proposed by one administrator, confirmed by another."""

    class Kind(models.TextChoices):
        GIVE_ROLE = "GIVE_ROLE", "Give a role"
        ENABLE_USER = "ENABLE_USER", "Enable the user"
        RESET_SECOND_FACTOR = "RESET_SECOND_FACTOR", "Remove a lost second factor"

    class Status(models.TextChoices):
        PROPOSED = "PROPOSED"
        CONFIRMED = "CONFIRMED"
        DECLINED = "DECLINED"

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="access_changes")
    kind = models.CharField(max_length=30, choices=Kind.choices)
    role = models.CharField(max_length=30, blank=True)
    reason: "EncryptedTextField[str, str]" = EncryptedTextField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PROPOSED)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="users_access_four_eyes",
                condition=~models.Q(status="CONFIRMED")
                | (
                    models.Q(decided_by__isnull=False)
                    & ~models.Q(decided_by=models.F("proposed_by"))
                ),
            ),
            models.CheckConstraint(
                name="users_access_not_own",
                condition=~models.Q(proposed_by=models.F("user"))
                & (models.Q(decided_by=None) | ~models.Q(decided_by=models.F("user"))),
            ),
            models.UniqueConstraint(
                fields=["user", "kind", "role"],
                condition=models.Q(status="PROPOSED"),
                name="users_access_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.role}".strip()


class AdviserAssignment(BaseModel):
    """An adviser reads the client's account from `created_at` until `ended_at`; rows are kept."""

    adviser = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)

    objects = AdviserAssignmentQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["adviser", "client"],
                name="users_adviser_once",
                condition=models.Q(ended_at=None),
            ),
            models.CheckConstraint(
                condition=~models.Q(adviser=models.F("client")), name="users_adviser_other"
            ),
        )

    def __str__(self) -> str:
        return f"{self.adviser} for {self.client}"

    @property
    def stream(self) -> str:
        return f"adviser-assignment-{self.pk}"
