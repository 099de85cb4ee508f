"""Background work of the market."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import structlog
from celery import shared_task
from django.conf import settings

from apps.core.errors import InvalidInput
from apps.market import services
from apps.market.domain.quotes import Quote
from apps.market.domain.wire import quote_unpack
from apps.market.providers.ecb import rate_file

logger = structlog.get_logger(__name__)


@shared_task(name="market.ingest_ticks")
def ingest_ticks(ticks: Sequence[Mapping[str, Any]], replayed_on: str | None = None) -> None:
    """Ingest one batch; a tick that is no quote is dropped and logged, the others go on."""
    quotes: list[Quote] = []
    for tick in ticks:
        try:
            quotes.append(quote_unpack(tick))
        except InvalidInput as error:
            logger.warning("tick_refused", reason=error.message, field=error.facts.get("field"))
    day = date.fromisoformat(replayed_on) if replayed_on else None
    services.quotes_ingest(ticks=quotes, replayed_on=day)


@shared_task(name="market.prune_ticks")
def prune_ticks() -> None:
    services.ticks_prune(retention_days=settings.TICK_RETENTION_DAYS)


@shared_task(name="market.load_rates")
def load_rates() -> int:
    """Load the ECB's file again; an operator replaces it every day."""
    return services.rates_load(actor=None, rate_file=rate_file())
