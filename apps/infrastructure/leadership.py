"""One of several instances of a process leads; the others wait to take over."""

import structlog
from django.db import Error, connection

logger = structlog.get_logger(__name__)


class Leadership:
    """Held by at most one session of the database, and gone with that session.

    `confirm` asks the server over that same session before every step, so that an instance whose
    session broke, or that slept through the loss, finds out before it acts.  `lock` is a number
    that nothing else locks.
    """

    def __init__(self, lock: int) -> None:
        self.lock = lock
        self.held = False

    def confirm(self) -> bool:
        """Return whether this process leads now; take the lead if nobody has it."""
        try:
            with connection.cursor() as cursor:
                cursor.execute(self._question(), [self.lock])
                self.held = bool(cursor.fetchone()[0])
        except Error as error:
            logger.warning("leadership_lost", error=type(error).__name__)
            self.held = False
            # Closed for good, not given back to the pool: the lock must go with the session.
            if connection.connection is not None:
                connection.connection.close()
            connection.close()
        return self.held

    def _question(self) -> str:
        if not self.held:
            return "SELECT pg_try_advisory_lock(%s)"
        return (
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND pid = pg_backend_pid() AND (classid::bigint << 32 | objid::bigint) = %s)"
        )

    def release(self) -> None:
        """Let another instance lead at once."""
        if self.held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [self.lock])
            self.held = False
