"""Look at a draft as it would be placed now: what it needs, and every pre-trade check's result."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.module_loading import import_string

from apps.core.errors import DomainError
from apps.ledger.domain.legs import FLOORED_KINDS, AccountKind, is_currency
from apps.ledger.selectors import BalanceRow, balances_of
from apps.market.domain.quotes import Quote
from apps.market.selectors import (
    currencies_of,
    fx_rates,
    instrument_get,
    quotes_get,
    session_is_open,
)
from apps.trading.domain import risk
from apps.trading.domain.amounts import Charge, most_it_costs, quantity_for
from apps.trading.domain.orders import OrderDraft, OrderType, Side, trailing_stop
from apps.trading.domain.risk import CheckResult
from apps.trading.models import Order, Portfolio
from apps.trading.selectors.activity import Activity, client_activity, portfolio_activity
from apps.trading.selectors.rules import Rules
from apps.trading.services import policies

if TYPE_CHECKING:
    from apps.market.models import Instrument


@dataclass(frozen=True, slots=True)
class Balances:
    """A portfolio's accounts, by what trading in one currency asks of them."""

    rows: list[BalanceRow]
    currency: str

    def get(self, kind: AccountKind, asset: str) -> Decimal:
        found = (row.balance for row in self.rows if (row.kind, row.asset) == (kind, asset))
        return next(found, Decimal(0))

    @property
    def cash(self) -> Decimal:
        return self.get(AccountKind.CASH, self.currency)

    @property
    def money(self) -> dict[str, Decimal]:
        """Cash by currency, free and held."""
        return self._totals(is_money=True)

    @property
    def units(self) -> dict[str, Decimal]:
        """Units by symbol, free and held."""
        return self._totals(is_money=False)

    def _totals(self, *, is_money: bool) -> dict[str, Decimal]:
        owned: dict[str, Decimal] = {}
        for row in self.rows:
            if row.kind in FLOORED_KINDS and is_currency(row.asset) is is_money:
                owned[row.asset] = owned.get(row.asset, Decimal(0)) + row.balance
        return owned


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What placing the draft would mean.  Prices and cost are None when there is no quote to tell.

    `needed` is what is held: cash of a purchase (its worst price and fees), units of a sale.
    """

    draft: OrderDraft
    instrument: "Instrument"
    quote: Quote | None
    quantity: Decimal | None
    stop_price: Decimal | None
    mark_price: Decimal | None
    worst_price: Decimal | None
    estimated_price: Decimal | None
    estimate: Charge | None
    needed: Decimal | None
    available: Decimal
    buying_power: Decimal
    checks: tuple[CheckResult, ...]

    @property
    def is_accepted(self) -> bool:
        return all(check.is_passed or check.only_warns for check in self.checks)

    @property
    def buying_power_after(self) -> Decimal | None:
        """Return the buying power when the order is held (a purchase) or filled (a sale)."""
        if self.estimate is None or self.needed is None:
            return None
        if self.draft.side is Side.BUY:
            return self.buying_power - self.needed
        return self.buying_power + self.estimate.amount - self.estimate.fees


def run_gates(draft: OrderDraft) -> list[CheckResult]:
    """Run every check that other contexts named in settings.PRE_TRADE_CHECKS.

    One that passes may return the facts (`limit`, `measured`) that it looked at.
    """
    results = []
    for path in settings.PRE_TRADE_CHECKS:
        name = path.rpartition(".")[2].removeprefix("check_")
        try:
            seen = import_string(path)(draft) or {}
        except DomainError as error:
            result = CheckResult(
                code=error.code,
                is_passed=False,
                message=error.message,
                limit=error.facts.get("limit", ""),
                measured=error.facts.get("measured", ""),
            )
        else:
            result = CheckResult(code=name, is_passed=True, message="", **seen)
        results.append(result)
    return results


def assess(
    draft: OrderDraft,
    portfolio: Portfolio,
    *,
    now: datetime,
    rules: Rules,
    shares: Order | None = None,
    revises: Order | None = None,
) -> Assessment:
    """Assess the draft under the rules; reads only.  Raises NotFound for an unknown symbol.

    What the order that it `shares` a hold with has is available to it, and so is what an order
    has that it `revises`; of that one `needed` and the checks mean the part that is not filled.
    """
    instrument = instrument_get(draft.symbol)
    balances = Balances(balances_of(portfolio.id), instrument.currency)
    units = balances.units
    quotes = quotes_get({draft.symbol, *units})
    quote = quotes.get(draft.symbol)
    limits = policies.limits(rules.limits)
    market = (quote.ask if draft.side is Side.BUY else quote.bid) if quote else None
    mark, stop = _trailed(draft, quote, revises)
    worst = risk.worst_price(
        side=draft.side,
        order_type=draft.order_type,
        limit_price=draft.limit_price,
        stop_price=stop,
        market_price=market,
        limits=limits,
    )
    price = draft.limit_price or stop or market
    quantity = _quantity(draft, worst or price, instrument.lot_size)
    estimate = _most(quantity, price, instrument.currency)
    is_buy = draft.side is Side.BUY
    held = _most(quantity, worst, instrument.currency, revises)
    own = sum((order.held_amount for order in (shares, revises) if order is not None), Decimal(0))
    if revises is not None:
        own += sum(
            (one.held_amount for one in revises.linked if one.side == draft.side), Decimal(0)
        )
    activity = portfolio_activity(
        draft,
        quantity=quantity,
        currency=instrument.currency,
        today=_midnight(now),
        lately=now - limits.duplicate_window,
        besides=revises,
    )
    free_units = balances.get(AccountKind.SECURITIES, draft.symbol)
    filled = revises.filled_quantity if revises else Decimal(0)
    facts = _Facts(
        draft=draft,
        portfolio=portfolio,
        instrument=instrument,
        quote=quote,
        quantity=quantity,
        value=estimate.amount if estimate else None,
        needed=(held.total if held else None) if is_buy else quantity and quantity - filled,
        available=(balances.cash if is_buy else free_units) + own,
        position=units.get(draft.symbol, Decimal(0)) * (quote.last if quote else 0)
        + activity.on_the_way
        - (own + filled * (price or 0) if revises and is_buy else 0),
        equity=_equity(balances, quotes, instrument, now),
        now=now,
        activity=activity,
        rules=rules,
        revises=revises,
    )
    return Assessment(
        draft=draft,
        instrument=instrument,
        quote=quote,
        quantity=quantity,
        stop_price=stop,
        mark_price=mark,
        worst_price=worst,
        estimated_price=price,
        estimate=estimate,
        needed=facts.needed,
        available=facts.available,
        buying_power=balances.cash,
        checks=(*run_gates(draft), *_own_checks(facts, limits)),
    )


def _trailed(
    draft: OrderDraft, quote: Quote | None, revises: Order | None
) -> tuple[Decimal | None, Decimal | None]:
    """Return the mark of a trailing stop and the stop price of any stop order."""
    if draft.order_type is not OrderType.TRAILING_STOP:
        return None, draft.stop_price
    mark = revises.mark_price if revises else quote.last if quote else None
    if mark is None:
        return None, None
    stop = trailing_stop(
        side=draft.side,
        mark=mark,
        trail_amount=draft.trail_amount,
        trail_percent=draft.trail_percent,
    )
    return mark, stop


def _quantity(draft: OrderDraft, price: Decimal | None, lot_size: Decimal) -> Decimal | None:
    if draft.notional is None or price is None:
        return draft.quantity
    return quantity_for(notional=draft.notional, price=price, lot_size=lot_size)


def _most(
    quantity: Decimal | None,
    price: Decimal | None,
    currency: str,
    revises: Order | None = None,
) -> Charge | None:
    if quantity is None or price is None:
        return None
    return most_it_costs(
        filled_quantity=revises.filled_quantity if revises else Decimal(0),
        filled_value=revises.filled_value if revises else Decimal(0),
        quantity=quantity,
        worst_price=price,
        currency=currency,
        commission=policies.commission(),
    )


def _equity(
    balances: Balances, quotes: Mapping[str, Quote], instrument: "Instrument", now: datetime
) -> Decimal:
    """Return what the portfolio is worth in the instrument's currency.

    What has no price or no exchange rate counts nothing: the check that asks is then the stricter.
    """
    units = balances.units
    others = currencies_of(units.keys() - {instrument.symbol})
    currencies = {**others, instrument.symbol: instrument.currency}
    worth: defaultdict[str, Decimal] = defaultdict(Decimal, balances.money)
    for symbol in units.keys() & quotes.keys() & currencies.keys():
        worth[currencies[symbol]] += units[symbol] * quotes[symbol].last
    rates = fx_rates(
        (currency for currency, value in worth.items() if value), instrument.currency, on=now.date()
    )
    return sum((worth[currency] * rate.rate for currency, rate in rates.items()), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    draft: OrderDraft
    portfolio: Portfolio
    instrument: "Instrument"
    quote: Quote | None
    quantity: Decimal | None
    value: Decimal | None
    needed: Decimal | None
    available: Decimal
    position: Decimal
    equity: Decimal
    now: datetime
    activity: Activity
    rules: Rules
    revises: Order | None


def _own_checks(facts: _Facts, limits: risk.Limits) -> Iterator[CheckResult]:
    draft, instrument = facts.draft, facts.instrument
    yield risk.check_firm_state(facts.rules.firm_state, draft.side)
    yield risk.check_tradable(instrument.status, is_tradable=instrument.is_tradable)
    is_restricted = instrument.is_restricted or facts.rules.is_restricted
    yield risk.check_restricted(is_restricted=is_restricted)
    yield risk.check_exchange_rate(
        is_known=bool(
            fx_rates([instrument.currency], facts.portfolio.currency, on=facts.now.date())
        )
    )
    is_open = session_is_open(instrument, facts.now)
    yield risk.check_session(is_open=is_open, time_in_force=draft.time_in_force)
    yield risk.check_step("tick_size", draft.limit_price, instrument.tick_size)
    yield risk.check_step("tick_size", draft.stop_price, instrument.tick_size)
    yield risk.check_step("lot_size", facts.quantity, instrument.lot_size)
    yield _quote_check(facts, limits, is_open=is_open)
    yield risk.check_collar(draft.side, draft.limit_price, _reference(facts), limits)
    if facts.needed is not None:
        if draft.side is Side.BUY:
            yield risk.check_buying_power(facts.needed, facts.available, instrument.currency)
        else:
            yield risk.check_sellable(facts.needed, facts.available)
    if facts.value is not None:
        yield from _value_checks(facts, facts.value, limits)
    yield from _day_checks(facts, limits)
    if facts.revises is None:
        yield _duplicate_check(facts, limits)


def _quote_check(facts: _Facts, limits: risk.Limits, *, is_open: bool) -> CheckResult:
    """Return whether the price is known well enough; out of session the last close will do."""
    quote, draft = facts.quote, facts.draft
    if quote is None:
        unpriced = draft.limit_price is None and draft.stop_price is None
        unpriced = unpriced and facts.revises is None
        return risk.check_quote(None, limits, is_needed=unpriced)
    needed = draft.order_type is OrderType.MARKET and is_open
    return risk.check_quote(facts.now - quote.at, limits, is_needed=needed)


def _reference(facts: _Facts) -> Decimal | None:
    if facts.draft.order_type is OrderType.STOP_LIMIT:
        return facts.draft.stop_price
    return facts.quote.last if facts.quote else None


def _value_checks(facts: _Facts, value: Decimal, limits: risk.Limits) -> Iterator[CheckResult]:
    sells_all = facts.draft.side is Side.SELL and value > 0 and facts.quantity == facts.available
    yield risk.check_order_minimum(value, limits, sells_all=sells_all)
    yield risk.check_order_notional(value, limits)
    yield risk.check_concentration(
        facts.draft.side,
        position=facts.position,
        order=value,
        equity=facts.equity,
        limits=limits,
    )


def _day_checks(facts: _Facts, limits: risk.Limits) -> Iterator[CheckResult]:
    """Add up today's orders of the portfolio and, where a limit says so, of the client."""
    done = facts.activity
    yield from _day_of(done.orders_today, done.value_today, facts, limits.portfolio_day)
    if limits.client_day:
        count, value = client_activity(
            facts.draft,
            currency=facts.instrument.currency,
            today=_midnight(facts.now),
            besides=facts.revises,
        )
        yield from _day_of(count, value, facts, limits.client_day)


def _day_of(
    count: int, value: Decimal, facts: _Facts, limits: risk.DayLimits
) -> Iterator[CheckResult]:
    if facts.revises is None:
        yield risk.check_orders_a_day(count, limits)
    if limits.notional is not None:
        yield risk.check_notional_a_day(value + (facts.value or 0), limits)


def _duplicate_check(facts: _Facts, limits: risk.Limits) -> CheckResult:
    last = facts.activity.repeated_at
    return risk.check_duplicate(None if last is None else facts.now - last, limits)


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
