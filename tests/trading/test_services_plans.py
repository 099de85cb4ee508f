"""Recurring plans: due once, run once, and what fails is told."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.audit.services import outbox_deliver
from apps.core.errors import (
    Conflict,
    IllegalTransition,
    InvalidInput,
    NotFound,
    Refused,
    Stale,
    Unavailable,
)
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get
from apps.market.selectors import session_from
from apps.notifications.models import Notification
from apps.trading.domain.plans import Frequency, Schedule, amounts_of
from apps.trading.models import CashTransfer, InvestmentPlan, Order, PlanRun, Portfolio
from apps.trading.services import plan_runs
from apps.trading.services.plan_runs import planrun_execute, plans_run
from apps.trading.services.plans import (
    plan_change,
    plan_create,
    plan_end,
    plan_pause,
    plan_resume,
)
from apps.trading.services.portfolios import portfolio_close
from apps.users.models import ApiSession
from tests.trading.factories import make_market, make_portfolio
from tests.trading.test_services_transfers import in_parallel
from tests.users.factories import api_client

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture(autouse=True)
def _checks(settings: Settings) -> None:
    settings.CASH_CHECKS = []


def make_plan(portfolio: Portfolio | None = None, **terms: Any) -> InvestmentPlan:
    portfolio = portfolio or make_portfolio()
    today = timezone.now().date()
    values: dict[str, Any] = {
        "amount": D(500),
        "weights": {},
        "frequency": "WEEKLY",
        "day": today.isoweekday(),
        "start_date": today,
        "idempotency_key": uuid4().hex,
    }
    return plan_create(actor=portfolio.client, portfolio_id=portfolio.id, **{**values, **terms})


def run(plan: InvestmentPlan) -> datetime:
    """Let the clock reach the plan's first session, and a little more."""
    now = session_from("XNYS", plan.start_date).open_at + timedelta(hours=1)
    plans_run(now=now)
    return now


def cash(plan: InvestmentPlan) -> Decimal:
    return balance_get(plan.portfolio_id, AccountKind.CASH, "USD")


@pytest.mark.parametrize(
    ("frequency", "day", "after", "due"),
    [
        ("WEEKLY", 1, date(2026, 3, 4), date(2026, 3, 9)),
        ("WEEKLY", 3, date(2026, 3, 4), date(2026, 3, 4)),
        ("MONTHLY", 31, date(2026, 2, 1), date(2026, 2, 28)),
        ("MONTHLY", 1, date(2026, 12, 2), date(2027, 1, 1)),
        ("MONTHLY", 30, date(2028, 2, 29), date(2028, 2, 29)),
    ],
)
def test_schedule_names_the_first_due_date(
    frequency: str, day: int, after: date, due: date
) -> None:
    schedule = Schedule(frequency=Frequency(frequency), day=day, start=date(2026, 1, 1))

    assert schedule.first_due(after) == due
    ended = Schedule(
        frequency=Frequency(frequency), day=day, start=date(2026, 1, 1), end=due - timedelta(days=1)
    )
    assert ended.first_due(after) is None


def test_amounts_are_whole_minor_units_and_never_more_than_there_is() -> None:
    weights = {"A": D("0.333333"), "B": D("0.333333"), "C": D("0.333334")}

    assert amounts_of(D(100), weights, "USD") == {"A": D("33.33"), "B": D("33.33"), "C": D("33.33")}


def test_plan_is_made_once_for_a_key() -> None:
    portfolio = make_portfolio()
    first, again = (make_plan(portfolio, idempotency_key="one") for _ in range(2))

    assert first == again
    with pytest.raises(Conflict):
        make_plan(portfolio, idempotency_key="one", amount=D(501))
    assert InvestmentPlan.objects.count() == 1


@pytest.mark.parametrize(
    "terms",
    [
        {"amount": D("0.5")},
        {"amount": D("1.001")},
        {"amount": D("2000000")},
        {"day": 8},
        {"frequency": "DAILY"},
        {"start_date": date(2020, 1, 1)},
        {"weights": {"NOPE": D("0.5")}},
        {"weights": {"AAPL": D("1.1")}},
    ],
    ids=["little", "decimals", "much", "day", "word", "past", "symbol", "weight"],
)
def test_plan_that_cannot_be_is_refused(terms: dict[str, Any]) -> None:
    make_market()

    with pytest.raises((InvalidInput, Refused)):
        make_plan(**terms)

    assert not InvestmentPlan.objects.exists()


def test_run_deposits_and_buys_once_however_often_it_is_asked() -> None:
    make_market()
    plan = make_plan(weights={"AAPL": D("0.5")})

    now = run(plan)
    plans_run(now=now)
    planrun_execute(run_id=PlanRun.objects.get().id, now=now)

    done = PlanRun.objects.get()
    assert (done.status, done.code, done.due_date) == ("DONE", "", plan.start_date)
    assert CashTransfer.objects.filter(portfolio=plan.portfolio).count() == 1
    order = Order.objects.get()
    assert (order.notional, order.side) == (D(250), "BUY")
    plan.refresh_from_db()
    assert plan.next_due_date == plan.start_date + timedelta(days=7)


def test_due_date_without_a_session_rolls_to_the_next() -> None:
    plan = make_plan()
    InvestmentPlan.objects.update(next_due_date=date(2026, 12, 25))

    plan_runs.plan_schedule(plan_id=plan.id, now=datetime(2026, 12, 25, 15, tzinfo=UTC))

    assert PlanRun.objects.get().run_at.date() == date(2026, 12, 28)


def refuse(client_id: UUID) -> None:
    raise Refused("The account is frozen.", code="account_frozen")


def test_refused_run_moves_nothing_is_told_and_not_repeated(settings: Settings) -> None:
    plan = make_plan()
    settings.CASH_CHECKS = [f"{__name__}.refuse"]

    now = run(plan)
    settings.CASH_CHECKS = []
    plans_run(now=now)

    failed = PlanRun.objects.get()
    assert (failed.status, failed.code) == ("FAILED", "account_frozen")
    assert cash(plan) == 0
    outbox_deliver(context="notifications")
    assert "account_frozen" in Notification.objects.get().body


def test_run_with_a_refused_order_keeps_the_deposit_and_tells() -> None:
    make_market(price="600")
    plan = make_plan(weights={"AAPL": D(1)})

    run(plan)

    done = PlanRun.objects.get()
    assert done.status == "DONE"
    assert done.code
    assert cash(plan) == D(500)


def away(client_id: UUID) -> None:
    raise Unavailable("Away.", code="away")


def test_run_waits_while_something_is_away_and_is_given_up_late(settings: Settings) -> None:
    plan = make_plan()
    settings.CASH_CHECKS = [f"{__name__}.away"]
    opening = session_from("XNYS", plan.start_date).open_at

    plans_run(now=opening + timedelta(hours=1))
    assert PlanRun.objects.get().status == "DUE"
    settings.CASH_CHECKS = []
    plans_run(now=opening + timedelta(days=3, hours=1))

    assert (PlanRun.objects.get().status, PlanRun.objects.get().code) == ("FAILED", "missed")
    assert cash(plan) == 0


def test_paused_plan_skips_what_was_due_and_goes_on() -> None:
    plan = make_plan()
    client = plan.portfolio.client
    plan_runs.plan_schedule(plan_id=plan.id, now=timezone.now())

    plan_pause(actor=client, plan_id=plan.id)
    run(plan)
    assert PlanRun.objects.get().status == "SKIPPED"
    resumed = plan_resume(actor=client, plan_id=plan.id)
    assert resumed.next_due_date == plan.start_date + timedelta(days=7)

    with pytest.raises(Refused):
        portfolio_close(actor=client, portfolio_id=plan.portfolio_id)
    plan_end(actor=client, plan_id=plan.id)
    portfolio_close(actor=client, portfolio_id=plan.portfolio_id)
    assert cash(plan) == 0


def test_plan_changes_from_its_next_run_on_and_only_as_it_was_seen() -> None:
    plan = make_plan()
    client, first_version = plan.portfolio.client, plan.version
    run(plan)
    plan.refresh_from_db()
    later = plan.start_date.isoweekday() % 7 + 1

    changed = plan_change(
        actor=client, plan_id=plan.id, version=plan.version, amount=D(80), day=later
    )
    due = changed.next_due_date
    assert (changed.amount, changed.weights) == (D(80), {})
    assert due is not None
    assert due.isoweekday() == later
    assert due.isocalendar()[:2] > plan.start_date.isocalendar()[:2]
    for refused, terms in (
        (Stale, {"version": first_version, "amount": D(9)}),
        (Refused, {"version": None, "day": 8}),
        (Refused, {"version": None, "end_date": plan.start_date}),
        (Refused, {"version": None, "end_date": date(2000, 1, 1)}),
        (Refused, {"version": None, "amount": D("0.5")}),
    ):
        with pytest.raises(refused):
            plan_change(actor=client, plan_id=plan.id, **terms)
    plan.refresh_from_db()
    assert (plan.amount, plan.day, plan.end_date, plan.next_due_date) == (D(80), later, None, due)

    plan_pause(actor=client, plan_id=plan.id)
    plan_change(actor=client, plan_id=plan.id, version=None, end_date=date(2100, 1, 1))
    assert plan_resume(actor=client, plan_id=plan.id).next_due_date is not None
    plan_end(actor=client, plan_id=plan.id)
    with pytest.raises(IllegalTransition):
        plan_change(actor=client, plan_id=plan.id, version=None, amount=D(9))


def test_plan_is_changed_over_the_api_by_its_etag() -> None:
    plan = make_plan()
    api, path = api_client(plan.portfolio.client), f"/api/v1/plans/{plan.id}"
    tag = api.get(path)["ETag"]

    def patch(terms: Any, seen: str = tag) -> Any:
        return api.patch(path, terms, format="json", headers={"If-Match": seen})

    answer = patch({"amount": "75", "weights": [], "end_date": None})
    assert (answer.status_code, answer.json()["amount"]) == (200, "75")
    assert answer["ETag"] == api.get(path)["ETag"] != tag
    assert patch({"amount": "76"}).status_code == 412
    assert patch({}, "*").status_code == 422
    assert patch({"day": 8}, "*").status_code == 422
    assert patch({"amount": "76"}, "").status_code == 400
    ApiSession.objects.update(second_factor_at=timezone.now() - timedelta(seconds=301))
    assert patch({"amount": "76"}, "*").status_code == 403
    plan.refresh_from_db()
    assert plan.amount == 75


def test_plan_of_another_client_is_not_found() -> None:
    plan, other = make_plan(), make_portfolio().client

    for command in (plan_pause, plan_resume, plan_end):
        with pytest.raises(NotFound):
            command(actor=other, plan_id=plan.id)
    with pytest.raises(NotFound):
        plan_change(actor=other, plan_id=plan.id, version=None, amount=D(1))

    plan.refresh_from_db()
    assert (plan.status, plan.amount) == ("ACTIVE", D(500))


@pytest.mark.django_db(transaction=True)
def test_run_started_many_times_at_once_deposits_once(settings: Settings) -> None:
    settings.CASH_CHECKS = []
    plan = make_plan()
    now = session_from("XNYS", plan.start_date).open_at + timedelta(hours=1)

    in_parallel([lambda: plans_run(now=now)] * 6)

    assert PlanRun.objects.get().status == "DONE"
    assert CashTransfer.objects.count() == 1
    assert cash(plan) == D(500)
