"""A quote: what one unit of an instrument could be bought and sold for at one moment."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from apps.core.domain.instruments import PRICE_PLACES, QUANTITY_PLACES, Symbol
from apps.core.domain.money import exact
from apps.core.errors import InvalidInput

SOURCE_LENGTH = 20
PRICE_STEP = Decimal(1).scaleb(-PRICE_PLACES)
UNIT_STEP = Decimal(1).scaleb(-QUANTITY_PLACES)


@dataclass(frozen=True, slots=True)
class Quote:
    """Bid, ask and last price in the instrument's currency, and the units traded since the last.

    `source` names the provider ("replay" is real history played again, not a live market).
    Raises InvalidInput for prices that are not positive, a bid above the ask, or a naive time.
    """

    symbol: str
    bid: Decimal
    ask: Decimal
    last: Decimal
    volume: Decimal
    at: datetime
    source: str

    def __post_init__(self) -> None:
        Symbol(self.symbol)
        for name in ("bid", "ask", "last"):
            if exact(getattr(self, name), places=PRICE_PLACES, name=name) <= 0:
                raise InvalidInput("A price is a positive number.", field=name)
        if self.bid > self.ask:
            raise InvalidInput("The bid is above the ask.", field="bid")
        if exact(self.volume, places=QUANTITY_PLACES, name="volume") < 0:
            raise InvalidInput("A volume is not negative.", field="volume")
        if self.at.tzinfo is None:
            raise InvalidInput("A quote's time has a time zone.", field="at")
        if not 0 < len(self.source) <= SOURCE_LENGTH:
            raise InvalidInput("A quote names its source.", field="source")

    def restated(self, ratio: tuple[Decimal, Decimal], *, at: datetime) -> "Quote":
        """Return the quote in the units after a split of `ratio` (new units, old units)."""
        new, old = ratio

        def price(value: Decimal) -> Decimal:
            return max((value * old / new).quantize(PRICE_STEP, ROUND_HALF_EVEN), PRICE_STEP)

        return replace(
            self,
            bid=price(self.bid),
            ask=price(self.ask),
            last=price(self.last),
            volume=(self.volume * new / old).quantize(UNIT_STEP, ROUND_HALF_EVEN),
            at=at,
        )

    @property
    def mid(self) -> Decimal:
        """Return the middle of bid and ask, exact."""
        return (self.bid + self.ask) / 2
