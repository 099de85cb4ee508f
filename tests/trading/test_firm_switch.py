"""The firm's switch, and cancelling what rests: one order, or all of them by a run."""

from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.audit.services import outbox_deliver
from apps.compliance.models import OperationsAlert
from apps.core.errors import Conflict, IllegalTransition, InvalidInput, NotPermitted, Refused, Stale
from apps.ledger.selectors import ledger_differences
from apps.notifications.models import Notification
from apps.trading.domain.risk import FirmState
from apps.trading.models import CancelRun, FirmSwitch, Order, Portfolio
from apps.trading.services import firm_cancels
from apps.trading.services.firm_cancels import (
    cancel_run_start,
    cancel_runs_work,
    order_cancel_by_firm,
)
from apps.trading.services.firm_switch import firm_switch_turn
from apps.trading.services.orders import order_cancel
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.trading.factories import hold_units, make_market, make_portfolio, place_order
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer() -> User:
    return make_user(Role.OPERATIONS)


@pytest.fixture
def portfolio() -> Portfolio:
    make_market()
    return make_portfolio(cash="100000")


def resting(portfolio: Portfolio, count: int = 1) -> list[Order]:
    terms = {"order_type": "LIMIT", "limit_price": "95"}
    return [place_order(portfolio, **terms) for _ in range(count)]


def turn(officer: User, state: str = "HALTED", **terms: Any) -> FirmSwitch:
    return firm_switch_turn(actor=officer, state=FirmState(state), reason="Drill", **terms)


def test_firm_switch_turned_keeps_who_when_and_why(officer: User) -> None:
    switch = turn(officer)

    assert (switch.state, switch.reason, switch.turned_by) == ("HALTED", "Drill", officer)
    (event,) = AuditEvent.objects.stream("firm-switch")
    assert event.payload == {"before": "ACTIVE", "after": "HALTED", "reason": "Drill"}


@pytest.mark.parametrize(
    ("role", "reason", "state", "error"),
    [
        (Role.AUDITOR, "Drill", "HALTED", NotPermitted),
        (Role.COMPLIANCE_OFFICER, "Drill", "HALTED", NotPermitted),
        (Role.OPERATIONS, " ", "HALTED", InvalidInput),
        (Role.OPERATIONS, "x" * 201, "HALTED", InvalidInput),
        (Role.OPERATIONS, "Drill", "ACTIVE", Conflict),
    ],
    ids=["auditor", "compliance", "no-reason", "long-reason", "no-change"],
)
def test_firm_switch_turned_without_right_reason_or_change_stays(
    role: Role, reason: str, state: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        firm_switch_turn(actor=make_user(role), state=FirmState(state), reason=reason)

    assert FirmSwitch.objects.get().state == "ACTIVE"


def test_firm_switch_turned_on_an_old_page_opens_nothing_but_still_halts(officer: User) -> None:
    turn(officer)

    with pytest.raises(Stale):
        turn(officer, "REDUCING", seen=FirmState.ACTIVE)
    assert FirmSwitch.objects.get().state == "HALTED"

    turn(officer, "REDUCING", seen=FirmState.HALTED)
    assert turn(officer, "HALTED", seen=FirmState.ACTIVE).state == "HALTED"


def test_firm_switch_halted_leaves_resting_orders_and_their_cancel(
    portfolio: Portfolio, officer: User
) -> None:
    (order,) = resting(portfolio)
    turn(officer)

    with pytest.raises(Refused) as refused:
        place_order(portfolio)

    assert refused.value.facts == {"limit": "ACTIVE", "measured": "HALTED"}
    assert order_cancel(actor=portfolio.client, order_id=order.id).status == "PENDING_CANCEL"


def test_order_canceled_by_the_firm_says_so_and_the_client_is_told(
    portfolio: Portfolio, officer: User
) -> None:
    (order,) = resting(portfolio)

    order_cancel_by_firm(actor=officer, order_id=order.id, reason="Erroneous price")
    for context in ("trading", "notifications"):
        outbox_deliver(context=context)
    outbox_deliver(context="notifications")

    order.refresh_from_db()
    assert (order.status, order.reason_code, order.held_amount) == ("CANCELED", "by_firm", 0)
    asked = AuditEvent.objects.get(name="trading.order.cancel_requested")
    assert (asked.actor_id, asked.payload["note"]) == (officer.pk, "Erroneous price")
    (told,) = Notification.objects.filter(user=portfolio.client, body_code="order_canceled_by_firm")
    assert "Erroneous" not in told.body
    assert list(ledger_differences()) == []


def test_order_canceled_by_the_firm_without_right_reason_or_life_stays(
    portfolio: Portfolio, officer: User
) -> None:
    (order,) = resting(portfolio)
    sold = hold_units(make_portfolio(), "1")

    for actor, order_id, reason, error in (
        (make_user(Role.COMPLIANCE_OFFICER), order.id, "Drill", NotPermitted),
        (portfolio.client, order.id, "Drill", NotPermitted),
        (officer, order.id, " ", InvalidInput),
        (officer, sold.id, "Drill", IllegalTransition),
    ):
        with pytest.raises(error):
            order_cancel_by_firm(actor=actor, order_id=order_id, reason=reason)

    order.refresh_from_db()
    assert order.status == "NEW"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the tasks that were asked of the workers."""
    tasks: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **_: tasks.append(name))
    return tasks


def test_cancel_run_cancels_what_rested_and_goes_on_where_a_worker_died(
    portfolio: Portfolio, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = resting(portfolio, 3)
    turn(officer)
    run = cancel_run_start(actor=officer, reason="Exchange outage")
    assert run.orders == 3
    real, calls = firm_cancels.order_cancel_for_run, []

    def dies(**terms: Any) -> Order:
        calls.append(terms)
        if len(calls) == 2:
            raise SystemExit
        return real(**terms)

    monkeypatch.setattr(firm_cancels, "order_cancel_for_run", dies)
    with pytest.raises(SystemExit):
        cancel_runs_work()
    assert Order.objects.filter(status="PENDING_CANCEL").count() == 1
    assert CancelRun.objects.get().finished_at is None

    assert cancel_runs_work() == 2

    assert {row.status for row in Order.objects.all()} == {"PENDING_CANCEL"}
    assert CancelRun.objects.get().finished_at is not None
    assert cancel_runs_work() == 0
    names = AuditEvent.objects.stream(run.stream).values_list("name", flat=True)
    assert list(names) == ["trading.cancel_run.started", "trading.cancel_run.finished"]
    outbox_deliver(context="trading")
    assert {row.status for row in Order.objects.filter(id__in=[one.id for one in orders])} == {
        "CANCELED"
    }
    assert list(ledger_differences()) == []


def test_cancel_run_leaves_an_order_that_fails_for_the_next_time(
    portfolio: Portfolio, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = resting(portfolio, 2)
    turn(officer)
    cancel_run_start(actor=officer, reason="Drill")
    real = firm_cancels.order_cancel_for_run

    def fails(**terms: Any) -> Order:
        if terms["order_id"] == first.id:
            raise RuntimeError
        return real(**terms)

    with monkeypatch.context() as patch:
        patch.setattr(firm_cancels, "order_cancel_for_run", fails)
        assert cancel_runs_work() == 1
    run = CancelRun.objects.get()
    assert run.finished_at is None
    alert = OperationsAlert.objects.get()
    assert (alert.kind, alert.subject) == ("ORDER_CANCEL_FAILED", str(run.id))
    assert cancel_runs_work() == 1
    assert CancelRun.objects.get().finished_at is not None


def test_cancel_run_leaves_orders_that_came_later(portfolio: Portfolio, officer: User) -> None:
    resting(portfolio)
    turn(officer)
    run = cancel_run_start(actor=officer, reason="Drill")
    turn(officer, "ACTIVE")
    (later,) = resting(portfolio)
    Order.objects.filter(id=later.id).update(created_at=run.created_at + timedelta(seconds=1))

    cancel_runs_work()

    later.refresh_from_db()
    assert later.status == "NEW"


def test_cancel_run_is_refused_while_it_makes_no_sense(portfolio: Portfolio, officer: User) -> None:
    def code(actor: User) -> str:
        with pytest.raises((Conflict, NotPermitted)) as refused:
            cancel_run_start(actor=actor, reason="Drill")
        return refused.value.code

    assert code(make_user(Role.AUDITOR)) == "not_permitted"
    assert code(officer) == "firm_active"
    turn(officer)
    assert code(officer) == "nothing_rests"
    turn(officer, "ACTIVE")
    resting(portfolio)
    turn(officer)
    cancel_run_start(actor=officer, reason="Drill")
    assert code(officer) == "unchanged"
    assert CancelRun.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_cancel_run_asks_a_worker_once_it_is_committed(
    portfolio: Portfolio, officer: User, asked: list[str]
) -> None:
    resting(portfolio)
    turn(officer)
    asked.clear()

    cancel_run_start(actor=officer, reason="Drill")

    assert "trading.work_cancel_runs" in asked
    assert timezone.now() >= CancelRun.objects.get().created_at
