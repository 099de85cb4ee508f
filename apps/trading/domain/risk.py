"""Pre-trade checks as pure functions: each says its code, the limit, and what it measured."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from apps.core.errors import Refused
from apps.trading.domain.orders import IMMEDIATE, OrderType, Side, TimeInForce


class FirmState(StrEnum):
    """The firm's switch: REDUCING lets clients only sell, HALTED takes no order at all."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One line of the check list; `limit` and `measured` are text, so that any unit fits.

    A failed check stops the order, unless it only warns.
    """

    code: str
    is_passed: bool
    message: str
    limit: str = ""
    measured: str = ""
    only_warns: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLimits:
    """What a portfolio, or a client with all portfolios, may order in a UTC day; None: anything."""

    orders: Decimal | None = None
    notional: Decimal | None = None

    def __bool__(self) -> bool:
        return self.orders is not None or self.notional is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What bounds an order.  Shares are fractions of one; None switches a check off.

    `price_collar` bounds how far a limit price may cross the last price, `hold_buffer` how far the
    market may move before a market or stop buy stops filling, and thus what is held for it.
    """

    hold_buffer: Decimal
    quote_age: timedelta
    order_minimum: Decimal
    duplicate_window: timedelta
    duplicates_stop: bool = False
    price_collar: Decimal | None = None
    order_notional: Decimal | None = None
    concentration: Decimal | None = None
    portfolio_day: DayLimits = DayLimits()
    client_day: DayLimits = DayLimits()


def require(results: Iterable[CheckResult]) -> None:
    """Raise Refused for the first failed check that stops an order."""
    for result in results:
        if not result.is_passed and not result.only_warns:
            raise Refused(
                result.message, code=result.code, limit=result.limit, measured=result.measured
            )


def written(results: Iterable[CheckResult]) -> list[list[str]]:
    """Return the checks as an event keeps them: code, outcome, limit, measured."""
    return [[one.code, _outcome(one), one.limit, one.measured] for one in results]


def _outcome(result: CheckResult) -> str:
    if result.is_passed:
        return "PASSED"
    return "WARNED" if result.only_warns else "FAILED"


def _text(value: Decimal) -> str:
    return format(value.normalize(), "f") if value else "0"


def check_firm_state(state: FirmState, side: Side) -> CheckResult:
    passed = state is FirmState.ACTIVE or (state is FirmState.REDUCING and side is Side.SELL)
    return CheckResult(
        code="firm_not_accepting",
        is_passed=passed,
        message="The firm takes no such orders at the moment.",
        limit=FirmState.ACTIVE,
        measured=state,
    )


def check_tradable(status: str, *, is_tradable: bool) -> CheckResult:
    return CheckResult(
        code="instrument_not_tradable",
        is_passed=is_tradable,
        message="The instrument does not trade.",
        limit="ACTIVE",
        measured=status,
    )


def check_restricted(*, is_restricted: bool) -> CheckResult:
    return CheckResult(
        code="instrument_restricted",
        is_passed=not is_restricted,
        message="The instrument is on the firm's restricted list.",
        limit="unrestricted",
        measured="restricted" if is_restricted else "unrestricted",
    )


def check_exchange_rate(*, is_known: bool) -> CheckResult:
    """Refuse where a fill could not be told in the portfolio's currency."""
    return CheckResult(
        code="exchange_rate_missing",
        is_passed=is_known,
        message="There is no recent exchange rate to the portfolio's currency.",
    )


def check_session(*, is_open: bool, time_in_force: TimeInForce) -> CheckResult:
    """DAY and GTC orders wait for the next session, immediate ones cannot."""
    return CheckResult(
        code="session_closed",
        is_passed=is_open or time_in_force not in IMMEDIATE,
        message="The market is closed, and this order cannot wait.",
        limit="open",
        measured="open" if is_open else "closed",
    )


def check_step(code: str, value: Decimal | None, step: Decimal) -> CheckResult:
    """Say whether the value is a whole multiple of the step (`tick_size` or `lot_size`)."""
    return CheckResult(
        code=code,
        is_passed=value is None or value % step == 0,
        message=f"Not a whole multiple of {_text(step)}.",
        limit=_text(step),
        measured="" if value is None else _text(value),
    )


def check_quote(age: timedelta | None, limits: Limits, *, is_needed: bool) -> CheckResult:
    """Orders that are priced by the market need a fresh quote; `age` None means there is none."""
    fresh = age is not None and age <= limits.quote_age
    return CheckResult(
        code="quote_missing" if age is None else "quote_stale",
        is_passed=fresh or not is_needed,
        message="There is no fresh quote for the instrument.",
        limit=f"{limits.quote_age.total_seconds():.0f} s",
        measured="none" if age is None else f"{age.total_seconds():.0f} s",
    )


def check_collar(
    side: Side, limit_price: Decimal | None, reference: Decimal | None, limits: Limits
) -> CheckResult:
    """Refuse a limit price that crosses the reference by more than the collar (a fat finger)."""
    bound = None
    passed = True
    collar = limits.price_collar
    if limit_price is not None and reference is not None and collar is not None:
        sign = 1 if side is Side.BUY else -1
        bound = reference * (1 + sign * collar)
        passed = limit_price <= bound if side is Side.BUY else limit_price >= bound
    return CheckResult(
        code="price_collar",
        is_passed=passed,
        message="The limit price is too far through the market.",
        limit="" if bound is None else _text(bound),
        measured="" if limit_price is None else _text(limit_price),
    )


def check_order_minimum(value: Decimal, limits: Limits, *, sells_all: bool) -> CheckResult:
    """Amounts are posted in cents: an order worth hardly one would trade for what rounding makes
    of it.  Only the last crumbs of a position may be sold for less.
    """
    return CheckResult(
        code="order_too_small",
        is_passed=sells_all or value >= limits.order_minimum,
        message="The order is worth too little.",
        limit=_text(limits.order_minimum),
        measured=_text(value),
    )


def check_order_notional(value: Decimal, limits: Limits) -> CheckResult:
    bound = limits.order_notional
    return CheckResult(
        code="order_notional",
        is_passed=bound is None or value <= bound,
        message="The order is larger than one order may be.",
        limit="" if bound is None else _text(bound),
        measured=_text(value),
    )


def check_concentration(
    side: Side, *, position: Decimal, order: Decimal, equity: Decimal, limits: Limits
) -> CheckResult:
    """Bound the share of the portfolio's value that one instrument has after a purchase."""
    share = (position + order) / equity if equity > 0 else Decimal(0)
    bound = limits.concentration
    return CheckResult(
        code="position_concentration",
        is_passed=side is Side.SELL or bound is None or share <= bound,
        message="The position would be too large a part of the portfolio.",
        limit="" if bound is None else _text(bound),
        measured=f"{share:.4f}",
    )


def check_orders_a_day(count: int, limits: DayLimits) -> CheckResult:
    bound = limits.orders
    return CheckResult(
        code="daily_order_limit",
        is_passed=bound is None or count < bound,
        message="No more orders can be placed today.",
        limit="" if bound is None else _text(bound),
        measured=str(count),
    )


def check_notional_a_day(value: Decimal, limits: DayLimits) -> CheckResult:
    """Bound what is ordered in a day together, this order included."""
    bound = limits.notional
    return CheckResult(
        code="daily_notional_limit",
        is_passed=bound is None or value <= bound,
        message="The orders of today would be worth more than they may.",
        limit="" if bound is None else _text(bound),
        measured=_text(value),
    )


def check_duplicate(age: timedelta | None, limits: Limits) -> CheckResult:
    """Say whether the same order was placed within the window; `age` is how long ago."""
    return CheckResult(
        code="duplicate_order",
        is_passed=age is None,
        message="The same order was placed a moment ago.",
        limit=f"{limits.duplicate_window.total_seconds():.0f} s",
        measured="" if age is None else f"{age.total_seconds():.1f} s",
        only_warns=not limits.duplicates_stop,
    )


def check_buying_power(needed: Decimal, available: Decimal, currency: str) -> CheckResult:
    return CheckResult(
        code="insufficient_buying_power",
        is_passed=needed <= available,
        message=f"There is not enough {currency} in cash for this order and its fees.",
        limit=_text(available),
        measured=_text(needed),
    )


def check_sellable(needed: Decimal, available: Decimal) -> CheckResult:
    return CheckResult(
        code="insufficient_position",
        is_passed=needed <= available,
        message="There are not enough units to sell.",
        limit=_text(available),
        measured=_text(needed),
    )


def worst_price(
    *,
    side: Side,
    order_type: OrderType,
    limit_price: Decimal | None,
    stop_price: Decimal | None,
    market_price: Decimal | None,
    limits: Limits,
) -> Decimal | None:
    """Return the worst price at which the order may fill; None when there is no quote to tell.

    A limited order's is its limit; other sales take any price (0).  A market or stop buy may pay
    the buffer more than the ask or its stop: this much is held, so that a fill can never cost more
    than its hold.
    """
    if limit_price is not None:
        return limit_price
    if side is Side.SELL:
        return Decimal(0)
    reference = market_price if order_type is OrderType.MARKET else stop_price
    if reference is None:
        return None
    return (reference * (1 + limits.hold_buffer)).quantize(Decimal("0.00000001"))
