"""Custody fees and interest: accrued by the day, booked by the month, each once."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, DomainError, NotPermitted, Refused, Stale
from apps.ledger.domain.legs import AccountKind
from apps.ledger.models import Entry
from apps.ledger.selectors import balance_get, ledger_differences
from apps.trading.domain.charges import ChargeKind
from apps.trading.models import AccrualDay, Charge, ChargeAccrual, ChargeRate, Portfolio
from apps.trading.services.charge_rates import (
    charge_rate_confirm,
    charge_rate_decline,
    charge_rate_propose,
)
from apps.trading.services.charges import charges_run
from apps.trading.services.portfolios import portfolio_close
from apps.users.domain.roles import Role
from apps.users.models import User
from apps.users.services.step_up import SESSION_KEY
from tests.trading.factories import fund, hold_units, make_portfolio
from tests.users.factories import make_user
from tests.users.world import visitor

pytestmark = pytest.mark.django_db(databases=["default", "timescale"])
D = Decimal
FEE, INTEREST = ChargeKind.CUSTODY_FEE, ChargeKind.CREDIT_INTEREST


@pytest.fixture
def officers() -> tuple[User, User]:
    return make_user(Role.OPERATIONS), make_user(Role.COMPLIANCE_SUPERVISOR)


def set_rate(
    officers: tuple[User, User],
    kind: ChargeKind,
    rate: str | None,
    currency: str = "",
    portfolio: Portfolio | None = None,
) -> ChargeRate:
    proposal = charge_rate_propose(
        actor=officers[0],
        kind=kind,
        currency=currency,
        portfolio_id=portfolio.id if portfolio else None,
        rate_bps=None if rate is None else D(rate),
        reason="Price list",
    )
    return charge_rate_confirm(actor=officers[1], rate_id=proposal.id)


def period() -> tuple[date, datetime, int]:
    """Return the first accrued day, a moment after its month, and how many days lie between."""
    first = timezone.now().date() + timedelta(days=1)
    over = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
    return first, datetime(over.year, over.month, 1, 0, 20, tzinfo=UTC), (over - first).days


def cash_of(portfolio: Portfolio) -> Decimal:
    return balance_get(portfolio.id, AccountKind.CASH, "USD")


def test_month_of_fees_and_interest_is_booked_once_however_often_it_runs(
    officers: tuple[User, User],
) -> None:
    portfolio = make_portfolio()
    hold_units(portfolio, "1000")
    spent = cash_of(portfolio)
    fund(portfolio, str(100_000 - spent))
    set_rate(officers, FEE, "36.5")
    set_rate(officers, INTEREST, "73", "USD")
    first, after, days = period()

    charges_run(now=datetime.combine(first + timedelta(days=1), after.time(), UTC))
    charges_run(now=after)
    charges_run(now=after + timedelta(hours=1))

    assert AccrualDay.objects.count() == days
    assert ChargeAccrual.objects.filter(portfolio=portfolio).count() == 2 * days
    booked = Charge.objects.filter(portfolio=portfolio).order_by("kind")
    found = [(one.kind, one.status, one.days, one.amount) for one in booked]
    assert found == [
        ("CREDIT_INTEREST", "BOOKED", days, D(2) * days),
        ("CUSTODY_FEE", "BOOKED", days, D(2) * days),
    ]
    entries = Entry.objects.filter(kind__in=[FEE.value, INTEREST.value])
    assert {one.reference[:7] for one in entries} == {f"{first:%Y-%m}"}
    assert (entries.count(), cash_of(portfolio)) == (2, D(100_000))
    assert AuditEvent.objects.filter(name="trading.charge.booked").count() == 2
    assert not list(ledger_differences())


def test_fee_that_the_cash_does_not_cover_stays_due_and_moves_nothing(
    officers: tuple[User, User],
) -> None:
    portfolio = make_portfolio()
    hold_units(portfolio, "1000")
    fund(portfolio, str(1 - cash_of(portfolio)))
    set_rate(officers, FEE, "500")
    _, after, _ = period()

    charges_run(now=after)
    charges_run(now=after + timedelta(hours=1))

    due = Charge.objects.get(portfolio=portfolio)
    assert (due.status, due.entry_id) == ("DUE", None)
    assert cash_of(portfolio) == 1
    assert AuditEvent.objects.filter(name="trading.charge.deferred").count() == 1
    assert not Entry.objects.filter(kind=FEE.value).exists()
    fund(portfolio, "10000")
    charges_run(now=after + timedelta(hours=2))
    due.refresh_from_db()
    assert due.status == "BOOKED"
    assert cash_of(portfolio) == 10_001 - due.amount


def test_portfolio_with_a_fee_that_is_due_does_not_close() -> None:
    portfolio = make_portfolio()
    Charge.of_month(portfolio, "CUSTODY_FEE", "USD", date(2020, 1, 1), days=31, amount=D(1)).save()

    with pytest.raises(Refused) as refused:
        portfolio_close(actor=portfolio.client, portfolio_id=portfolio.id)

    assert refused.value.facts["left"] == "a fee that is due"


def test_own_rate_goes_before_the_firms_and_a_closed_portfolio_pays_nothing(
    officers: tuple[User, User],
) -> None:
    waived, agreed, usual, closed = (make_portfolio(cash="36500") for _ in range(4))
    set_rate(officers, FEE, "100")
    set_rate(officers, FEE, "0", portfolio=waived)
    set_rate(officers, FEE, "50", portfolio=agreed)
    set_rate(officers, FEE, "50", portfolio=usual)
    set_rate(officers, FEE, None, portfolio=usual)
    _, after, days = period()
    Portfolio.objects.filter(id=closed.id).update(closed_at=timezone.now())

    charges_run(now=after)

    amounts = dict(Charge.objects.values_list("portfolio", "amount"))
    assert amounts == {agreed.id: D("0.5") * days, usual.id: D(1) * days}


def test_rate_takes_two_officers_and_begins_tomorrow(officers: tuple[User, User]) -> None:
    proposer, second = officers
    terms: dict[str, Any] = {"kind": FEE, "rate_bps": D(10), "reason": "Price list"}
    with pytest.raises(NotPermitted):
        charge_rate_propose(actor=make_user(), **terms)
    proposal = charge_rate_propose(actor=proposer, **terms)
    rival = charge_rate_propose(actor=proposer, **terms)
    with pytest.raises(NotPermitted) as own:
        charge_rate_confirm(actor=proposer, rate_id=proposal.id)
    assert own.value.code == "four_eyes"
    assert ChargeRate.objects.filter(status="CONFIRMED").count() == 0

    confirmed = charge_rate_confirm(actor=second, rate_id=proposal.id)

    assert confirmed.effective_on == timezone.now().date() + timedelta(days=1)
    with pytest.raises(Stale):
        charge_rate_confirm(actor=second, rate_id=rival.id)
    with pytest.raises(Conflict):
        charge_rate_decline(actor=second, rate_id=proposal.id)
    charge_rate_decline(actor=proposer, rate_id=rival.id)
    with pytest.raises(DatabaseError), transaction.atomic():
        ChargeRate.objects.filter(id=proposal.id).update(rate_bps=D(1))
    with pytest.raises(DomainError) as early:
        charge_rate_propose(actor=proposer, **terms, effective_on=timezone.now().date())
    assert early.value.facts["field"] == "effective_on"


def desk(user: User) -> Client:
    """Return the officer's browser, the second factor proven just now."""
    browser = visitor(user).browser
    session = browser.session
    session[SESSION_KEY] = timezone.now().isoformat()
    session.save()
    return browser


def test_desk_sets_a_rate_by_two_officers_and_client_sees_what_is_due(client: Client) -> None:
    portfolio = make_portfolio(cash="1")
    Charge.of_month(portfolio, "CUSTODY_FEE", "USD", date(2020, 1, 1), days=31, amount=D(9)).save()
    first = desk(make_user(Role.OPERATIONS, with_totp=True))
    second = desk(make_user(Role.COMPLIANCE_SUPERVISOR, with_totp=True))
    form = {"kind": "CREDIT_INTEREST", "currency": "usd", "rate": "100", "reason": "Price list"}

    wrong = first.post("/admin/trading/chargerate/propose/", form | {"currency": ""})
    proposed = first.post("/admin/trading/chargerate/propose/", form)
    own = first.get(proposed["Location"]).content.decode()
    second.post(proposed["Location"], {"command": "confirm"})

    assert (wrong.status_code, proposed.status_code) == (400, 302)
    assert "Another officer must confirm" in own
    rate = ChargeRate.objects.get()
    assert (rate.status, rate.currency, rate.rate_bps) == ("CONFIRMED", "USD", D(100))
    assert "Propose a rate" in first.get("/admin/trading/chargerate/").content.decode()
    due = first.get("/admin/trading/charge/?status__exact=DUE").content.decode()
    assert str(portfolio.id) in due
    client.force_login(portfolio.client)
    page = client.get("/statements/").content.decode()
    assert "due: taken once your free cash covers it" in page
    listed = visitor(portfolio.client).api.get(f"/api/v1/portfolios/{portfolio.id}/charges").json()
    assert [(one["status"], one["amount"]) for one in listed["results"]] == [("DUE", "9")]
