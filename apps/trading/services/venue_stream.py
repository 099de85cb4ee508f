"""The live venue's stream: one leader listens, and what it may have missed is read by REST."""

import random
import threading
import time

import structlog
from django.db import Error
from prometheus_client import Counter

from apps.infrastructure.leadership import Leadership
from apps.trading.services.reports import fill_record, request_reject
from apps.trading.services.venue_accounts import account_confirm, account_heard
from apps.trading.services.venue_sync import order_recorded, venue_sync
from apps.trading.venues.base import (
    FillReport,
    Garbage,
    Listener,
    LiveVenue,
    OrderReport,
    Told,
    VenueBusy,
    VenueUncertain,
    VenueUnreachable,
)

logger = structlog.get_logger(__name__)
# Any fixed number that nothing else locks: "VENUES" in ASCII.
LEADER_LOCK = 0x56454E554553
WAIT_SECONDS = 1.0
HEARTBEAT_SECONDS = 5.0
BACKOFF_CEILING_SECONDS = 15.0
garbage_total = Counter("venue_garbage_total", "Messages of a live venue that mean nothing.")


class VenueStream:
    """Listens while it leads, until `stop` is set.

    Connect first, then read what happened meanwhile, then listen: nothing falls in between, and
    what is told twice counts once.  No position in the stream is kept, so it may be killed at any
    line.
    """

    def __init__(self, venue: LiveVenue, *, stop: threading.Event) -> None:
        self.venue, self.stop = venue, stop
        self.leadership = Leadership(LEADER_LOCK)
        self.listener: Listener | None = None
        self.heartbeat_at = 0.0
        self.failures = 0

    def run(self) -> None:
        """Work until stopped; survives the loss of the venue and of the database."""
        try:
            while not self.stop.is_set():
                self.stop.wait(self.step())
        finally:
            self._hang_up()
            self.leadership.release()

    def step(self) -> float:
        """Take one message if this instance leads; return the pause before the next, in seconds."""
        if not self.leadership.confirm():
            self._hang_up()
            return WAIT_SECONDS
        try:
            self._listen()
        except (VenueUnreachable, VenueUncertain, VenueBusy, Error) as error:
            self._hang_up()
            self.failures += 1
            logger.warning("venue_stream_broken", error=type(error).__name__)
            ceiling = min(2.0**self.failures, BACKOFF_CEILING_SECONDS)
            pause = error.pause_seconds if isinstance(error, VenueBusy) else ceiling
            return pause * random.uniform(0.5, 1.0)  # noqa: S311  # nosec B311
        self.failures = 0
        return 0.0

    def _listen(self) -> None:
        if self.listener is None:
            account_confirm(self.venue)
            self.listener = self.venue.listen()
            logger.info("venue_stream_listens", venue=self.venue.name)
            venue_sync()
        try:
            told = self.listener.heard(WAIT_SECONDS)
        except Garbage as error:
            garbage_total.inc()
            logger.warning("venue_message_unreadable", reason=str(error))
            venue_sync()
            return
        self._beat()
        is_behind = [self._take(one) for one in told or ()]
        if any(is_behind):
            venue_sync()

    def _take(self, told: Told) -> bool:
        """Record one thing told; return whether something before it is missing."""
        name = self.venue.name
        if isinstance(told, OrderReport):
            return order_recorded(name, told)
        if isinstance(told, FillReport):
            fill_record(venue=name, fill=told)
        else:
            request_reject(venue=name, rejection=told)
        return False

    def _beat(self) -> None:
        now = time.monotonic()
        if now - self.heartbeat_at >= HEARTBEAT_SECONDS:
            self.heartbeat_at = now
            account_heard(self.venue.name)

    def _hang_up(self) -> None:
        listener, self.listener = self.listener, None
        if listener is not None:
            listener.close()
