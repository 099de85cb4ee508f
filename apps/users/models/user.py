"""Who signs in: clients, advisers and staff are one table."""

import uuid
from functools import cached_property
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from apps.core.errors import NotPermitted
from apps.infrastructure.encryption import BlindIndexField, EncryptedTextField, normal_form
from apps.users.domain.roles import Role


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def named(self, name: str) -> "list[User]":
        """Return the users of that name, whatever its case: by the blind index, then by reading."""
        index = User._meta.get_field("display_name_index")
        rows = self.filter(display_name_index=index.digest(name))
        return [row for row in rows if normal_form(row.display_name) == normal_form(name)]

    def find_by_email(self, email: str) -> "User | None":
        return self.filter(email=email.lower()).first()

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Refuse: nobody may do everything; `administrator_add` makes who gives the roles."""
        raise NotPermitted("Nobody here may do everything; use administrator_add.")


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in: client, adviser or staff.  The legal name lives in the KYC record."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    display_name = EncryptedTextField(data_class="identity", max_length=100, blank=True)
    display_name_index = BlindIndexField(of="display_name")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now)
    # Django's superuser passes every check; the column is taken away, so that there can be none.
    is_superuser: Any = False

    objects: ClassVar[UserManager] = UserManager()

    # The one mode of portfolios that this object reaches, "" for both: an API key sets it.
    reach: str = ""

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = (models.UniqueConstraint(Lower("email"), name="users_email_lower"),)

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.display_name or self.email

    def get_short_name(self) -> str:
        return self.get_full_name()

    @cached_property
    def role_names(self) -> frozenset[str]:
        """The names of the user's groups, read once for this object's life."""
        return frozenset(self.groups.values_list("name", flat=True))

    def has_role(self, role: Role) -> bool:
        """Tell whether the user has the role; a deactivated user has none."""
        return self.is_active and role.value in self.role_names

    @property
    def stream(self) -> str:
        return f"user-{self.pk}"
