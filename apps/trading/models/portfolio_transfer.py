"""What moved between two portfolios of one client, and what entered or left one otherwise."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core.models import BaseModel
from apps.trading.events import PortfolioTransferMade
from apps.trading.models.portfolio import Portfolio
from apps.trading.repositories import PortfolioTransferQuerySet


class PortfolioTransfer(BaseModel):
    """Cash or units that went from one portfolio to another by one entry; never changed.

    `quantity` is in units of `asset`: an amount of a currency, or units of an instrument, whose
    lots are those that the entry consumed and opened.  `value` is what that was worth, in the
    source's currency.
    """

    class Kind(models.TextChoices):
        CASH = "CASH", "Cash"
        IN_KIND = "IN_KIND", "In kind"

    client = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    source = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="transfers_out")
    target = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="transfers_in")
    kind = models.CharField(max_length=7, choices=Kind)
    asset = models.CharField(max_length=20)
    quantity = models.DecimalField(max_digits=26, decimal_places=8)
    value = models.DecimalField(max_digits=26, decimal_places=8)
    idempotency_key = models.CharField(max_length=100)
    terms_digest = models.CharField(max_length=64)
    entry_id = models.UUIDField(unique=True)

    objects = PortfolioTransferQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["client", "idempotency_key"], name="trading_portfoliotransfer_once"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gt=0, value__gte=0) & ~Q(source=F("target")),
                name="trading_portfoliotransfer_moves",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["CASH", "IN_KIND"]), name="trading_portfoliotransfer_kind"
            ),
        )
        indexes = (
            models.Index(fields=["source", "-created_at"], name="trading_transfer_out"),
            models.Index(fields=["target", "-created_at"], name="trading_transfer_in"),
        )

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} {self.asset}"

    @property
    def stream(self) -> str:
        return f"portfolio-transfer-{self.id}"

    def made(self) -> PortfolioTransferMade:
        return PortfolioTransferMade(
            stream=self.stream,
            transfer_id=str(self.id),
            client_id=str(self.client_id),
            source_id=str(self.source_id),
            target_id=str(self.target_id),
            kind=self.kind,
            asset=self.asset,
            quantity=f"{self.quantity.normalize():f}",
            value=f"{self.value:f}",
            currency=self.source.currency,
        )


class ValueFlow(models.Model):
    """What a portfolio gained (+) or lost (-) in value without the bank and without a market.

    Performance counts it as it counts deposits and withdrawals, in the portfolio's currency.
    `reference` is the transfer or the import that did it.  Never changed.
    """

    id = models.BigAutoField(primary_key=True)
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="flows")
    amount = models.DecimalField(max_digits=26, decimal_places=8)
    reference = models.UUIDField()
    occurred_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["portfolio", "reference"], name="trading_flow_once"),
        )
        indexes = (models.Index(fields=["portfolio", "occurred_at"], name="trading_flow_of"),)

    def __str__(self) -> str:
        return f"{self.amount:+f} of {self.portfolio_id}"
