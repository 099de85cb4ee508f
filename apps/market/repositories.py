"""Questions to the tables of the market."""

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from apps.market.models import Instrument


class InstrumentQuerySet(models.QuerySet["Instrument"]):
    def tradable(self) -> Self:
        """Keep what an order may name: an index is only looked at, what was delisted is gone."""
        return self.exclude(asset_class="INDEX").exclude(status="DELISTED")

    def locked(self, symbol: str) -> "Instrument | None":
        """Load one for writing; call inside a command only."""
        return self.select_for_update().filter(symbol=symbol).first()
