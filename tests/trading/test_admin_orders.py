import pytest
from django.contrib import admin
from django.test import RequestFactory

from apps.audit.services import outbox_deliver
from apps.trading.admin.orders import OrderAdmin
from apps.trading.models import Order
from apps.users.domain.roles import Role
from tests.trading.factories import make_market, make_portfolio, place_order
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db


def test_orders_on_the_desk_are_read_only(rf: RequestFactory) -> None:
    orders = OrderAdmin(Order, admin.site)
    request = rf.get("/admin/")
    request.user = make_user(Role.OPERATIONS)

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
