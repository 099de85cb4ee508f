"""Queries of charges: which rates hold, what a day's base is, what is still to do."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum

from apps.ledger.domain.legs import AccountKind, is_currency
from apps.ledger.selectors import balances_at
from apps.market.selectors import currencies_of, fx_rates, prices_on
from apps.trading.domain.charges import ChargeKind, amount_accrued, is_month_end
from apps.trading.models import AccrualDay, Charge, ChargeAccrual, ChargeRate, Portfolio

# A client's cash, whether an order or a withdrawal holds it or not.
MONEY = frozenset({AccountKind.CASH, AccountKind.HELD})
OWNED = MONEY | {AccountKind.SECURITIES}
Owned = dict[UUID, dict[str, Decimal]]


def rate_versions(rate: ChargeRate) -> QuerySet[ChargeRate]:
    """Return every version, and every proposal, of the same rate, newest first."""
    rows = ChargeRate.objects.select_related("proposed_by", "decided_by")
    same = Q(kind=rate.kind, currency=rate.currency, portfolio_id=rate.portfolio_id)
    return rows.filter(same).order_by("-created_at", "-id")


def rate_newest(rate: ChargeRate) -> int:
    """Return the number of the newest confirmed version of the same rate; 0 without one."""
    return rate_versions(rate).aggregate(newest=Max("version"))["newest"] or 0


def rate_in_force(rate: ChargeRate, on: date) -> ChargeRate | None:
    """Return the version of the same rate that counts on that day."""
    begun = rate_versions(rate).filter(status="CONFIRMED", effective_on__lte=on)
    return begun.order_by("-version").first()


class RateBook:
    """The rates that count on one day."""

    def __init__(self, on: date) -> None:
        rows = ChargeRate.objects.filter(status="CONFIRMED", effective_on__lte=on)
        which = ("kind", "currency", "portfolio")
        newest = rows.order_by(*which, "-version").distinct(*which)
        self._rates = {(row.kind, row.currency, row.portfolio_id): row for row in newest}

    def rate(self, kind: ChargeKind, currency: str, portfolio_id: UUID) -> ChargeRate | None:
        """Return the portfolio's own rate, else that of every portfolio, if there is one."""
        own = self._rates.get((kind.value, currency, portfolio_id))
        found = (
            own
            if own and own.rate_bps is not None
            else self._rates.get((kind.value, currency, None))
        )
        return found if found and found.rate_bps else None

    @property
    def is_empty(self) -> bool:
        return not any(rate.rate_bps for rate in self._rates.values())


def days_to_accrue(until: date) -> Iterator[date]:
    """Yield the days up to `until` that were not accrued yet, oldest first."""
    last = AccrualDay.objects.aggregate(day=Max("day"))["day"]
    rates = ChargeRate.objects.filter(status="CONFIRMED")
    first = last + timedelta(days=1) if last else rates.aggregate(day=Min("effective_on"))["day"]
    while first is not None and first <= until:
        yield first
        first += timedelta(days=1)


def accruals_of(portfolios: Iterable[Portfolio], day: date, book: RateBook) -> list[ChargeAccrual]:
    """Return what the day adds for these portfolios, not saved, by what they had at its end."""
    end = datetime.combine(day + timedelta(days=1), time(), UTC)
    wanted = {one.id: one for one in portfolios if one.closed_at is None or one.closed_at >= end}
    owned: Owned = {key: defaultdict(Decimal) for key in wanted}
    for owner_id, row in balances_at(wanted, end):
        if row.kind in OWNED:
            owned[owner_id][row.asset] += row.balance
    assets = {asset for one in owned.values() for asset in one}
    symbols = {asset for asset in assets if not is_currency(asset)}
    prices, currencies = prices_on(symbols, day), currencies_of(symbols)
    money = {asset for asset in assets if is_currency(asset)} | set(currencies.values())
    rates: dict[str, dict[str, Decimal]] = {}
    found = []
    for key, portfolio in wanted.items():
        own = portfolio.currency
        if own not in rates:
            rates[own] = {code: fx.rate for code, fx in fx_rates(money, own, on=day).items()}
        worth, is_complete = _worth(owned[key], prices, currencies, rates[own])
        cash = [(asset, had) for asset, had in owned[key].items() if is_currency(asset)]
        bases = [
            (ChargeKind.CUSTODY_FEE, "", own, worth, is_complete),
            *((ChargeKind.CREDIT_INTEREST, asset, asset, had, True) for asset, had in cash),
        ]
        for kind, of, currency, base, complete in bases:
            rate = book.rate(kind, of, key)
            if rate is None or base <= 0:
                continue
            accrual = ChargeAccrual(portfolio=portfolio, kind=kind.value, currency=currency)
            accrual.day, accrual.base, accrual.is_complete = day, base, complete
            accrual.rate, accrual.rate_bps = rate, rate.rate_bps or Decimal(0)
            found.append(accrual)
    return found


def _worth(
    assets: dict[str, Decimal],
    prices: dict[str, Decimal],
    currencies: dict[str, str],
    rates: dict[str, Decimal],
) -> tuple[Decimal, bool]:
    """Return what the assets are worth to 8 decimals, and whether all of them could be valued."""
    total, is_complete = Decimal(0), True
    for asset, had in assets.items():
        currency = asset if is_currency(asset) else currencies.get(asset, "")
        price = Decimal(1) if is_currency(asset) else prices.get(asset)
        if not had:
            continue
        if price is None or currency not in rates:
            is_complete = False
            continue
        total += had * price * rates[currency]
    return total.quantize(Decimal("1e-8")), is_complete


@dataclass(frozen=True, slots=True)
class MonthToBook:
    """The days of one portfolio's kind and currency in a month; `amount` is what they come to."""

    portfolio_id: UUID
    kind: str
    currency: str
    month: date
    days: int
    amount: Decimal


def months_to_book() -> list[date]:
    """Return the last days of the months that are accrued in full and not booked, oldest first."""
    rows = AccrualDay.objects.filter(booked_at=None).order_by("day").values_list("day", flat=True)
    return [day for day in rows if is_month_end(day)]


def accrued_in(month: date, until: date, portfolio_id: UUID | None = None) -> list[MonthToBook]:
    """Return what accrued from `month`, a first day, to `until`, of one portfolio or of all."""
    rows = ChargeAccrual.objects.filter(day__gte=month, day__lte=until)
    if portfolio_id is not None:
        rows = rows.filter(portfolio_id=portfolio_id)
    sums = (
        rows.values("portfolio_id", "kind", "currency")
        .annotate(days=Count("id"), weighted=Sum(F("base") * F("rate_bps")))
        .order_by("portfolio_id", "kind", "currency")
    )
    return [
        MonthToBook(
            row["portfolio_id"],
            row["kind"],
            row["currency"],
            month,
            row["days"],
            amount_accrued(row["weighted"], row["currency"]),
        )
        for row in sums
    ]


def charge_list(portfolio_id: UUID) -> QuerySet[Charge]:
    """Return the portfolio's charges, newest first; the caller has checked whose it is."""
    return Charge.objects.filter(portfolio_id=portfolio_id).order_by("-created_at", "-id")
