"""The first administrators of an installation, and why there is no superuser."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.core.errors import NotPermitted
from apps.users.domain.permissions import permissions_of
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.users.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db


def add(monkeypatch: pytest.MonkeyPatch, email: str, password: str) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(f"{password}\n"))
    call_command("administrator_add", email, stdout=StringIO())


def test_administrator_manages_access_and_sees_no_client_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add(monkeypatch, "chief@example.com", PASSWORD)
    user = User.objects.get(email="chief@example.com")
    assert user.is_staff
    assert user.get_all_permissions() == set(permissions_of([Role.ADMINISTRATOR]))
    assert not user.has_perm("ledger.view_entry")


@pytest.mark.parametrize(
    ("email", "password"),
    [("taken@example.com", PASSWORD), ("nonsense", PASSWORD), ("a@example.com", "short")],
)
def test_administrator_with_bad_credentials_is_not_made(
    monkeypatch: pytest.MonkeyPatch, email: str, password: str
) -> None:
    make_user(email="taken@example.com")
    with pytest.raises(CommandError):
        add(monkeypatch, email, password)
    assert User.objects.count() == 1


def test_there_is_no_superuser_and_no_column_for_one() -> None:
    with pytest.raises(NotPermitted):
        User.objects.create_superuser("a@example.com", PASSWORD)
    with pytest.raises(NotPermitted):
        call_command("createsuperuser", email="a@example.com", interactive=False)
    assert not User.objects.exists()
    with connection.cursor() as cursor:
        columns = connection.introspection.get_table_description(cursor, User._meta.db_table)
    assert "is_superuser" not in {column.name for column in columns}
