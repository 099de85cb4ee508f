"""The stream: one leader asks the provider once a beat and hands the batch to the workers."""

import random
import threading
from datetime import UTC, datetime

import structlog
from celery import current_app
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from apps.core.errors import Unavailable
from apps.infrastructure.leadership import Leadership
from apps.market.domain.wire import quote_pack
from apps.market.providers.base import QuoteProvider

logger = structlog.get_logger(__name__)
# Any fixed number that nothing else locks: "MARKET" in ASCII.
LEADER_LOCK = 0x4D41524B4554
BACKOFF_CEILING_SECONDS = 15.0
WAIT_SECONDS = 1.0


class Stream:
    """Sends a batch every `interval_seconds` while it leads, until `stop` is set."""

    def __init__(
        self,
        provider: QuoteProvider,
        *,
        interval_seconds: float,
        stop: threading.Event,
    ) -> None:
        self.provider = provider
        self.interval_seconds = interval_seconds
        self.stop = stop
        self.leadership = Leadership(LEADER_LOCK)
        self.failures = 0

    def run(self) -> None:
        """Work until stopped; survives the loss of database, broker and provider."""
        try:
            while not self.stop.is_set():
                self.stop.wait(self.beat())
        finally:
            self.leadership.release()

    def beat(self) -> float:
        """Emit one batch if this instance leads; return the pause before the next, in seconds."""
        was_leading = self.leadership.held
        if not self.leadership.confirm():
            return WAIT_SECONDS
        if not was_leading:
            logger.info("stream_leads", source=self.provider.source)
        try:
            self._emit()
        except (OSError, RedisError, KombuError, Unavailable) as error:
            self.failures += 1
            logger.warning("batch_not_sent", error=type(error).__name__, failures=self.failures)
            ceiling = min(2.0**self.failures, BACKOFF_CEILING_SECONDS)
            return ceiling * random.uniform(0.5, 1.0)  # noqa: S311  # nosec B311
        self.failures = 0
        # Beats fall on whole intervals of the clock, whoever leads.
        return self.interval_seconds - datetime.now(UTC).timestamp() % self.interval_seconds

    def _emit(self) -> None:
        batch = self.provider.batch(datetime.now(UTC))
        day = batch.replayed_on
        # What waited through an outage is worth nothing: the batch expires, no backlog builds.
        current_app.send_task(
            "market.ingest_ticks",
            args=[[quote_pack(quote) for quote in batch.quotes]],
            kwargs={"replayed_on": day.isoformat() if day else None},
            expires=max(2 * self.interval_seconds, 5),
        )
