"""Custody fees and interest: every day adds to them once, every month is booked once."""

from datetime import date, datetime, timedelta
from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import Refused
from apps.infrastructure.failures import FailureTold
from apps.ledger.domain.legs import AccountKind, Leg
from apps.ledger.services import entry_post
from apps.trading.domain.charges import ChargeKind
from apps.trading.models import AccrualDay, Charge, ChargeAccrual, Portfolio
from apps.trading.selectors.charges import (
    MonthToBook,
    RateBook,
    accruals_of,
    accrued_in,
    days_to_accrue,
    months_to_book,
)

PORTFOLIOS_AT_ONCE = 200


def charges_run(*, now: datetime | None = None) -> None:
    """Accrue every day that ended, book every month that ended, take the fees that stayed due.

    What was done is not done again, so a run after days of downtime, two at once, or one after a
    kill between any two lines leave the same rows.  One portfolio that fails leaves the others
    alone, and is tried again with the next run.
    """
    now = now or timezone.now()
    for day in days_to_accrue(now.date() - timedelta(days=1)):
        day_accrue(day=day)
    for last in months_to_book():
        month_book(last=last)
    due = Charge.objects.filter(status=Charge.Status.DUE).order_by("month", "id")
    for charge_id, portfolio_id in due.values_list("id", "portfolio_id"):
        with _told(portfolio_id):
            charge_collect(charge_id=charge_id)


def _told(portfolio_id: UUID) -> FailureTold:
    return FailureTold(
        "CHARGE_FAILED",
        subject=str(portfolio_id),
        message="A portfolio's fee or interest could not be booked; it is tried again.",
    )


def day_accrue(*, day: date) -> None:
    """Write down what the day adds for every portfolio, some of them a transaction."""
    book = RateBook(day)
    portfolios = Portfolio.objects.order_by("id")
    after: UUID | None = None
    while not book.is_empty:
        rows = portfolios if after is None else portfolios.filter(id__gt=after)
        batch = list(rows[:PORTFOLIOS_AT_ONCE])
        if not batch:
            break
        # Another run may be at it too: what a day adds is one row, whoever is first.
        ChargeAccrual.objects.bulk_create(accruals_of(batch, day, book), ignore_conflicts=True)
        after = batch[-1].id
    AccrualDay.objects.bulk_create([AccrualDay(day=day)], ignore_conflicts=True)


def month_book(*, last: date) -> None:
    """Book the month that ends on that day for every portfolio."""
    rows, booked = accrued_in(last.replace(day=1), last), 0
    for row in rows:
        with _told(row.portfolio_id):
            charge_book(row=row)
            booked += 1
    if booked == len(rows):
        AccrualDay.objects.filter(day=last).update(booked_at=timezone.now())


@command
def charge_book(*, row: MonthToBook) -> Charge | None:
    """Write down a month's charge and move its amount; the one that is there stays as it is.

    A portfolio that was closed meanwhile is neither charged nor paid: None.
    """
    portfolio = Portfolio.objects.locked(row.portfolio_id, may_be_closed=True)
    rows = Charge.objects.filter(portfolio=portfolio, kind=row.kind, currency=row.currency)
    first = rows.filter(month=row.month).first()
    if first is not None or portfolio.is_closed:
        return first
    charge = Charge.of_month(
        portfolio, row.kind, row.currency, row.month, days=row.days, amount=row.amount
    )
    charge.save(force_insert=True)
    if charge.status == Charge.Status.DUE and not _move(charge):
        emit(charge.defer(), actor=None)
    return charge


@command
def charge_collect(*, charge_id: UUID) -> Charge:
    """Take a fee that stayed due, if the free cash covers all of it by now."""
    charge = Charge.objects.select_related("portfolio").get(id=charge_id)
    charge.portfolio = Portfolio.objects.locked(charge.portfolio_id, may_be_closed=True)
    charge.refresh_from_db(fields=["status"])
    if charge.status == Charge.Status.DUE:
        _move(charge)
    return charge


def _move(charge: Charge) -> bool:
    """Post the charge's entry; tell whether there was enough free cash for it."""
    is_fee = charge.kind == ChargeKind.CUSTODY_FEE
    firms = AccountKind.FEES if is_fee else AccountKind.INTEREST
    change = -charge.amount if is_fee else charge.amount
    try:
        entry = entry_post(
            actor=None,
            idempotency_key=f"charge-{charge.id}",
            kind=charge.kind,
            reference=f"{charge.month:%Y-%m} {charge.id}",
            legs=[
                Leg(charge.portfolio_id, AccountKind.CASH, charge.currency, change),
                Leg(None, firms, charge.currency, -change),
            ],
        )
    except Refused:
        return False
    event = charge.book(entry.id, at=timezone.now())
    charge.save(update_fields=["status", "entry_id", "booked_at", "updated_at"])
    emit(event, actor=None)
    return True
