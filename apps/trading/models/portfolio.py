"""A client's portfolio: the owner of ledger accounts, orders and lots."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.models import BaseModel
from apps.trading.events import LotMethodChanged, PortfolioClosed, PortfolioOpened, PortfolioRenamed
from apps.trading.repositories import PortfolioQuerySet


class Portfolio(BaseModel):
    """Its id is the `owner_id` of its accounts in the ledger.

    The mode is fixed for life: a paper portfolio's order cannot reach a live venue.  A closed one
    is read and takes nothing; its name is free again.
    """

    class Mode(models.TextChoices):
        PAPER = "PAPER", "Paper"
        LIVE = "LIVE", "Live"

    class LotMethod(models.TextChoices):
        FIFO = "FIFO", "First in, first out"
        LIFO = "LIFO", "Last in, first out"
        HIFO = "HIFO", "Highest cost first"
        AVERAGE = "AVERAGE", "Average cost"
        SPECIFIC = "SPECIFIC", "Specific identification"

    client = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    currency = models.CharField(max_length=3)
    mode = models.CharField(max_length=5, choices=Mode, default=Mode.PAPER)
    lot_method = models.CharField(max_length=8, choices=LotMethod, default=LotMethod.FIFO)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = PortfolioQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["client", "name"],
                name="trading_portfolio_name",
                condition=Q(closed_at=None),
            ),
            models.CheckConstraint(
                condition=Q(mode__in=["PAPER", "LIVE"]), name="trading_portfolio_mode"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def stream(self) -> str:
        return f"portfolio-{self.id}"

    def opened(self) -> PortfolioOpened:
        return PortfolioOpened(
            stream=self.stream,
            portfolio_id=str(self.id),
            client_id=str(self.client_id),
            currency=self.currency,
            mode=self.mode,
        )

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None

    def rename(self, name: str) -> PortfolioRenamed:
        self.name = name
        return PortfolioRenamed(
            stream=self.stream, portfolio_id=str(self.id), client_id=str(self.client_id)
        )

    def close(self, *, at: datetime) -> PortfolioClosed:
        self.closed_at = at
        return PortfolioClosed(
            stream=self.stream, portfolio_id=str(self.id), client_id=str(self.client_id)
        )

    def choose_lots(self, method: str, *, at: datetime) -> LotMethodChanged:
        before, self.lot_method = self.lot_method, method
        return LotMethodChanged(
            stream=self.stream,
            portfolio_id=str(self.id),
            client_id=str(self.client_id),
            before=before,
            after=method,
            effective_at=at.isoformat(),
        )
