import pytest
from django.contrib import admin
from django.test import RequestFactory

from apps.trading.models import CashTransfer, Portfolio
from apps.users.domain.roles import Role
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("model", [CashTransfer, Portfolio])
@pytest.mark.parametrize("role", [Role.OPERATIONS, Role.AUDITOR, Role.COMPLIANCE_SUPERVISOR])
def test_cash_admin_is_read_by_staff_and_written_by_nobody(
    rf: RequestFactory, model: type[CashTransfer] | type[Portfolio], role: Role
) -> None:
    request = rf.get("/admin/")
    request.user = make_user(role)
    desk = admin.site._registry[model]

    assert desk.has_view_permission(request)
    assert not desk.has_add_permission(request)
    assert not desk.has_change_permission(request)
    assert not desk.has_delete_permission(request)


def test_cash_admin_is_closed_to_clients(rf: RequestFactory) -> None:
    request = rf.get("/admin/")
    request.user = make_user()

    assert not admin.site._registry[CashTransfer].has_view_permission(request)
