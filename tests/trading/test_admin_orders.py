import pytest
from django.contrib import admin
from django.contrib.messages.storage.fallback import FallbackStorage
from django.http import HttpRequest
from django.test import RequestFactory

from apps.audit.services import outbox_deliver
from apps.trading.admin.orders import FirmSwitchAdmin, OrderAdmin
from apps.trading.models import FirmSwitch, Order
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.trading.factories import make_market, make_portfolio, place_order
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db


def request_of(user: User, reason: str = "") -> HttpRequest:
    request = RequestFactory().post("/admin/", {"reason": reason})
    request.user = user
    request.session = {}  # type: ignore[assignment]
    request._messages = FallbackStorage(request)  # type: ignore[attr-defined]
    return request


@pytest.fixture
def desk() -> FirmSwitchAdmin:
    return FirmSwitchAdmin(FirmSwitch, admin.site)


@pytest.mark.parametrize(
    ("action", "state"), [("halt", "HALTED"), ("reduce", "REDUCING"), ("activate", "ACTIVE")]
)
def test_firm_switch_turned_by_operations_keeps_the_reason(
    desk: FirmSwitchAdmin, action: str, state: str
) -> None:
    start = "HALTED" if action == "activate" else "ACTIVE"
    FirmSwitch.objects.update_or_create(id=1, defaults={"state": start})

    getattr(desk, action)(request_of(make_user(Role.OPERATIONS), "Drill"), FirmSwitch.objects.all())

    switch = FirmSwitch.objects.get()
    assert (switch.state, switch.reason) == (state, "Drill")


@pytest.mark.parametrize(
    ("role", "reason", "action"),
    [
        (Role.AUDITOR, "Drill", "halt"),
        (Role.OPERATIONS, " ", "halt"),
        (Role.OPERATIONS, "Drill", "activate"),
    ],
)
def test_firm_switch_turned_without_right_reason_or_change_stays(
    desk: FirmSwitchAdmin, role: Role, reason: str, action: str
) -> None:
    getattr(desk, action)(request_of(make_user(role), reason), FirmSwitch.objects.all())

    switch = FirmSwitch.objects.get()
    assert (switch.state, switch.reason) == ("ACTIVE", "")


def test_actions_are_offered_to_operations_only(desk: FirmSwitchAdmin) -> None:
    assert set(desk.get_actions(request_of(make_user(Role.OPERATIONS)))) == {
        "activate",
        "reduce",
        "halt",
    }
    assert not desk.get_actions(request_of(make_user(Role.AUDITOR)))


def test_orders_on_the_desk_are_read_only() -> None:
    orders = OrderAdmin(Order, admin.site)
    request = request_of(make_user(Role.OPERATIONS))

    assert orders.has_view_permission(request)
    assert not orders.has_add_permission(request)
    assert not orders.has_change_permission(request)
    assert not orders.has_delete_permission(request)


def test_order_events_are_pushed_to_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[dict[str, object]] = []
    monkeypatch.setattr("apps.trading.handlers.push", lambda **message: pushed.append(message))
    make_market()
    portfolio = make_portfolio(cash="10000")
    order = place_order(portfolio)

    outbox_deliver(context="trading")

    assert {message["user_id"] for message in pushed} == {portfolio.client_id}
    filled = [message["data"] for message in pushed if "'trading.order.filled'" in str(message)]
    assert len(filled) == 1
    assert f"'order_id': '{order.id}'" in str(filled[0])
    assert "'status': 'FILLED'" in str(filled[0])
