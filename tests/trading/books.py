"""What orders and charges do to cash and units, said a second time: plain Decimals, no tables, no
venue.

Written from the documents and not from the code that it is compared with (see `stateful.py`).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from tests.trading.books_charges import CENT, PRICE, ZERO, Charges, Purse

D = Decimal
FEE_RATE = D("0.0005")
VOLUME_SHARE = D("0.25")
HOLD_BUFFER = D("1.02")
QUOTE_AGE = timedelta(seconds=60)
CLOSED = {"FILLED", "CANCELED", "EXPIRED"}
WORKING = {"NEW", "PARTIALLY_FILLED"}


class Denied(Exception):
    """The platform must refuse this, and nothing may change."""


@dataclass
class Quote:
    bid: Decimal
    ask: Decimal
    last: Decimal
    volume: Decimal
    at: datetime
    number: int


@dataclass(eq=False)
class Order:
    purse: Purse
    side: str
    kind: str
    quantity: Decimal
    limit: Decimal | None = None
    stop: Decimal | None = None
    trail: Decimal | None = None
    tif: str = "GTC"
    mark: Decimal | None = None
    worst: Decimal = ZERO
    status: str = "NEW"
    filled: Decimal = ZERO
    value: Decimal = ZERO
    held: Decimal = ZERO
    fees: Decimal = ZERO
    triggered: bool = False
    waiting: bool = False
    entry: "Order | None" = None
    mates: "list[Order]" = field(default_factory=list)
    wanted: tuple[Decimal, Decimal] | None = None
    expires: datetime | None = None
    seen: int = 0

    @property
    def left(self) -> Decimal:
        return self.quantity - self.filled

    @property
    def open(self) -> bool:
        return self.status not in CLOSED

    def paid(self) -> tuple[Decimal, Decimal]:
        """Money and fees of all that filled, each rounded once."""
        amount = self.value.quantize(CENT, ROUND_HALF_EVEN)
        return amount, (self.value * FEE_RATE).quantize(CENT, ROUND_HALF_EVEN)

    def needs(self, quantity: Decimal, worst: Decimal) -> Decimal:
        """Return what the rest must hold under those terms."""
        if self.side == "SELL":
            return quantity - self.filled
        value = self.value + (quantity - self.filled) * worst
        most = [part.quantize(CENT, ROUND_CEILING) for part in (value, value * FEE_RATE)]
        return sum(most, ZERO) - sum(self.paid(), ZERO)

    def move(self, amount: Decimal) -> None:
        """Hold that much more (less, when negative)."""
        name = "cash" if self.side == "BUY" else "units"
        if getattr(self.purse, name) < amount:
            raise Denied
        setattr(self.purse, name, getattr(self.purse, name) - amount)
        self.held += amount

    def restate(self, new: int, old: int) -> None:
        """Go on in the units after a split of `new` for `old`, one unit being a lot."""
        rounding = ROUND_FLOOR if self.side == "BUY" else ROUND_CEILING

        def tick(price: Decimal | None) -> Decimal | None:
            return price and (price * old / new).quantize(CENT, rounding)

        def cut(price: Decimal | None) -> Decimal | None:
            return price and (price * old / new).quantize(PRICE, ROUND_HALF_EVEN)

        quantity, limit = self.filled + whole(self.left * new / old), tick(self.limit)
        worst = (limit or cut(self.worst) or ZERO) if self.worst else ZERO
        if self.held:
            self.move(self.needs(quantity, worst) - self.held)
        self.stop = tick(self.stop) if self.mark is None else cut(self.stop)
        self.mark, self.trail = cut(self.mark), cut(self.trail)
        self.quantity, self.limit, self.worst = quantity, limit, worst


def whole(units: Decimal) -> Decimal:
    return units.to_integral_value(ROUND_FLOOR)


class Books:
    """Every command as the documents tell it; Denied where the platform has to refuse."""

    def __init__(self, purses: int, now: datetime) -> None:
        self.purses = [Purse() for _ in range(purses)]
        self.orders: list[Order] = []
        self.charges = Charges(self.purses, now)
        self.commissions = ZERO
        self.now = now
        self.fills = 0
        self.quote: Quote | None = None

    def wait(self, delta: timedelta) -> None:
        day, self.now = self.now.date(), self.now + delta
        while day < self.now.date():
            self.charges.end_day(day, [self.owned(purse) for purse in self.purses])
            day += timedelta(days=1)

    def owned(self, purse: Purse) -> tuple[Decimal, Decimal]:
        """Return the purse's cash and units, those that orders hold included."""
        mine = [order for order in self.orders if order.purse is purse]
        cash, units = (
            sum((order.held for order in mine if order.side == side), ZERO)
            for side in ("BUY", "SELL")
        )
        return purse.cash + cash, purse.units + units

    # --- What the issuer does ---------------------------------------------------------------

    def split(self, new: int, old: int, in_lieu: Decimal) -> None:
        """Change units, a fraction of one into cash; orders go on in a forward split."""
        for purse in self.purses:
            mine = [order for order in self.orders if order.purse is purse and order.open]
            for order in mine:
                goes_on = order.waiting or order.status in WORKING
                if order.open and not (new > old and goes_on and whole(order.left * new / old)):
                    self.close(order, "CANCELED")
            held = sum((order.held for order in mine if order.side == "SELL"), ZERO)
            after = (purse.units + held) * new / old
            purse.units = whole(after) - held
            purse.cash += ((after - whole(after)) * in_lieu).quantize(CENT, ROUND_HALF_EVEN)
            for order in mine:
                if order.open:
                    self._restate(order, new, old)

    def _restate(self, order: Order, new: int, old: int) -> None:
        try:
            order.restate(new, old)
        except Denied:
            self.close(order, "CANCELED")

    def dividend(self, amount: Decimal, tax: Decimal) -> None:
        """Pay for free and held units, tax kept back and rounded down."""
        for purse in self.purses:
            _, units = self.owned(purse)
            gross = (units * amount).quantize(CENT, ROUND_HALF_EVEN)
            purse.cash += gross - (gross * tax).quantize(CENT, ROUND_FLOOR)

    # --- Prices -----------------------------------------------------------------------------

    @property
    def price(self) -> Quote:
        assert self.quote is not None
        return self.quote

    @property
    def is_fresh(self) -> bool:
        return self.now - self.price.at <= QUOTE_AGE

    def quoted(self, quote: Quote) -> None:
        self.quote = quote
        for order in self.orders:
            self._trail(order)
        for order in [order for order in self.orders if self._reached(order)]:
            self._work(order)

    def _trail(self, order: Order) -> None:
        if order.mark is None or order.triggered or order.status not in WORKING:
            return
        last = self.price.last
        if last > order.mark if order.side == "SELL" else last < order.mark:
            order.mark, order.stop = last, self._stop(order.side, last, order.trail)

    def _stop(self, side: str, mark: Decimal, trail: Decimal | None) -> Decimal:
        assert trail is not None
        return (mark - trail if side == "SELL" else mark + trail).quantize(PRICE, ROUND_HALF_UP)

    def _reached(self, order: Order) -> bool:
        if order.status not in WORKING:
            return False
        if order.stop is not None and not order.triggered:
            return self._triggers(order)
        return self._within(order, order.worst)

    def _triggers(self, order: Order) -> bool:
        assert order.stop is not None
        last = self.price.last
        return last >= order.stop if order.side == "BUY" else last <= order.stop

    def _within(self, order: Order, bound: Decimal) -> bool:
        if order.side == "BUY":
            return self.price.ask <= bound
        return self.price.bid >= bound

    def move(self, source: int, what: str, amount: Decimal) -> None:
        """Give cash or units to the other purse."""
        giver, taker = self.purses[source], self.purses[1 - source]
        if getattr(giver, what) < amount:
            raise Denied
        setattr(giver, what, getattr(giver, what) - amount)
        setattr(taker, what, getattr(taker, what) + amount)

    # --- Orders -----------------------------------------------------------------------------

    def place(self, order: Order) -> Order:
        self._accept(order)
        order.move(order.needs(order.quantity, order.worst))
        self.orders.append(order)
        return order

    def _accept(self, order: Order) -> None:
        """Work out the order's bounds."""
        if order.kind == "MARKET" and not self.is_fresh:
            raise Denied
        if order.kind == "TRAILING_STOP":
            order.mark = self.price.last
            order.stop = self._stop(order.side, order.mark, order.trail)
        if order.limit is not None:
            order.worst = order.limit
        elif order.side == "BUY":
            reference = self.price.ask if order.stop is None else order.stop
            order.worst = (reference * HOLD_BUFFER).quantize(PRICE)
        if order.tif == "DAY":
            order.expires = self._midnight()

    def _midnight(self) -> datetime:
        return self.now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)

    def bracket(self, entry: Order, profit: Decimal, loss: Decimal, tif: str) -> list[Order]:
        self._check_around(entry.limit or self.price.last, profit, loss)
        self.place(entry)
        common: dict[str, Any] = {"purse": entry.purse, "side": "SELL", "tif": tif}
        common["quantity"] = entry.quantity
        exits = [
            Order(kind="LIMIT", limit=profit, worst=profit, **common),
            Order(kind="STOP", stop=loss, **common),
        ]
        for exit_ in exits:
            exit_.status, exit_.waiting, exit_.entry = "PENDING_NEW", True, entry
        self._join([entry, *exits])
        self.orders += exits
        return [entry, *exits]

    def pair(self, purse: Purse, quantity: Decimal, profit: Decimal, loss: Decimal) -> list[Order]:
        self._check_around(self.price.last, profit, loss)
        first = Order(purse, "SELL", "LIMIT", quantity, limit=profit)
        second = Order(purse, "SELL", "STOP", quantity, stop=loss)
        self.place(first)
        self._accept(second)
        self.orders.append(second)
        self._join([first, second])
        return [first, second]

    def _check_around(self, price: Decimal, profit: Decimal, loss: Decimal) -> None:
        if not loss < price < profit:
            raise Denied

    def _join(self, group: list[Order]) -> None:
        for order in group:
            order.mates = [other for other in group if other is not order]

    def route(self, order: Order) -> None:
        if order.status not in WORKING:
            return
        self._work(order)
        if order.tif in {"IOC", "FOK"} and order.open:
            self.close(order, "CANCELED")

    def cancel(self, order: Order) -> None:
        if not order.open:
            raise Denied
        if order.waiting:
            self.close(order, "CANCELED")
        else:
            order.status = "PENDING_CANCEL"

    def confirm(self, order: Order) -> None:
        if order.status == "PENDING_CANCEL":
            self.close(order, "CANCELED")

    def sweep(self) -> int:
        """End what is over."""
        due = [one for one in self.orders if one.open and one.expires and one.expires <= self.now]
        for order in due:
            self.close(order, "EXPIRED")
        return len(due)

    def replace(self, order: Order, quantity: Decimal | None, limit: Decimal | None) -> None:
        if order.status not in WORKING or order.limit is None:
            raise Denied
        quantity, limit = quantity or order.quantity, limit or order.limit
        if (quantity, limit) == (order.quantity, order.limit) or quantity <= order.filled:
            raise Denied
        order.move(max(order.needs(quantity, limit) - order.held, ZERO))
        order.status, order.wanted = "PENDING_REPLACE", (quantity, limit)

    def answer(self, order: Order) -> None:
        """Let the venue take the new terms."""
        if order.status != "PENDING_REPLACE" or order.wanted is None:
            return
        order.quantity, order.limit = order.wanted
        order.worst = order.limit
        order.move(order.needs(order.quantity, order.limit) - order.held)
        order.status = "PARTIALLY_FILLED" if order.filled else "NEW"

    # --- Fills ------------------------------------------------------------------------------

    def _work(self, order: Order) -> None:
        over = order.expires is not None and order.expires <= self.now
        if order.status not in WORKING or not self.is_fresh or over:
            return
        if order.stop is not None and not order.triggered:
            if not self._triggers(order):
                return
            order.triggered = True
        taken = self._room(order)
        if taken and self._within(order, order.worst) and order.seen != self.price.number:
            order.seen = self.price.number
            self._fill(order, taken, self.price.ask if order.side == "BUY" else self.price.bid)

    def _room(self, order: Order) -> Decimal:
        room = whole(self.price.volume * VOLUME_SHARE)
        if room >= order.left:
            return order.left
        return ZERO if order.tif == "FOK" else room

    def _fill(self, order: Order, taken: Decimal, price: Decimal) -> None:
        self.fills += 1
        holder = next((one for one in order.mates if one.side == order.side and one.held), None)
        if holder is not None and not order.held:
            order.held, holder.held = holder.held, ZERO
        before = order.paid()
        order.filled += taken
        order.value += taken * price
        amount, fees = (after - past for after, past in zip(order.paid(), before, strict=True))
        self.commissions += fees
        if order.side == "BUY":
            order.held -= amount + fees
            order.purse.units += taken
        else:
            order.held -= taken
            order.purse.cash += amount - fees
        order.status = "PARTIALLY_FILLED"
        if not order.left:
            order.status = "FILLED"
            order.move(-order.held)
        self._tell(order, taken)

    def _tell(self, order: Order, taken: Decimal) -> None:
        """Let the orders that belong to it know of the fill."""
        exits = [one for one in order.mates if one.entry is order]
        if exits:
            self._feed(order, [one for one in exits if one.open], taken)
            return
        for other in order.mates:
            if not other.open:
                continue
            if other is order.entry or other.left <= taken or other.status == "PENDING_CANCEL":
                self.close(other, "CANCELED")
            else:
                other.quantity -= taken

    def _feed(self, entry: Order, exits: list[Order], taken: Decimal) -> None:
        holder = next((one for one in exits if one.held), exits[0] if exits else None)
        for exit_ in exits:
            if exit_ is holder:
                exit_.move(taken)
            if not exit_.waiting:
                exit_.quantity += taken
                continue
            exit_.quantity, exit_.waiting, exit_.status = entry.filled, False, "NEW"
            if exit_.tif == "DAY":
                exit_.expires = self._midnight()

    def close(self, order: Order, status: str) -> None:
        held = order.held
        order.move(-held)
        order.status, order.waiting = status, False
        for other in order.mates:
            if other.waiting and other.entry is order:
                other.status, other.waiting = "CANCELED", False
        heirs = (one for one in order.mates if one.side == order.side)
        heir = next((one for one in heirs if one.open and not one.waiting), None)
        if held and heir is not None:
            heir.move(held)
