"""The desk is for reading: no role adds, types over or deletes a row of any page."""

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import RequestFactory

from apps.infrastructure.admin import ReadOnlyAdmin
from apps.ledger.models import Account, Entry
from apps.trading.models import CashTransfer, Portfolio
from apps.users.domain.roles import Role
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db
BOOKS = [Account, Entry, CashTransfer, Portfolio]


def test_every_page_of_the_desk_is_the_read_only_one() -> None:
    others = [
        model.__name__
        for model, page in admin.site._registry.items()
        if not isinstance(page, ReadOnlyAdmin)
    ]

    assert others == []


@pytest.mark.parametrize("role", list(Role))
def test_rows_of_the_desk_are_written_by_nobody(rf: RequestFactory, role: Role) -> None:
    request = rf.get("/admin/")
    request.user = make_user(role)

    for page in admin.site._registry.values():
        assert not page.has_add_permission(request)
        assert not page.has_change_permission(request)
        assert not page.has_delete_permission(request)


@pytest.mark.parametrize("model", BOOKS)
@pytest.mark.parametrize(
    ("role", "may_look"),
    [
        (Role.OPERATIONS, True),
        (Role.AUDITOR, True),
        (Role.COMPLIANCE_OFFICER, True),
        (Role.COMPLIANCE_SUPERVISOR, True),
        (Role.CLIENT, False),
    ],
)
def test_books_are_read_by_staff_and_closed_to_clients(
    rf: RequestFactory, model: type[Model], role: Role, may_look: bool
) -> None:
    request = rf.get("/admin/")
    request.user = make_user(role)

    assert admin.site._registry[model].has_view_permission(request) is may_look
