"""The lock under which the rules of orders change at once for everybody."""

from datetime import datetime

import structlog
from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from apps.infrastructure.prepared import run_prepared
from apps.trading.domain.limits import DAILY, LimitScope
from apps.trading.models import Portfolio
from apps.trading.selectors.rules import Rules, rules_read

logger = structlog.get_logger(__name__)
RULES_LOCK = 7_105_010
HOLD = "SELECT pg_advisory_xact_lock_shared(%s::bigint), clock_timestamp()"
ONE_BY_ONE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
WAIT_MS = 2000


def rules_hold(portfolio: Portfolio, symbol: str) -> Rules:
    """Return what binds an order, and keep it so until this transaction ends.

    Any number of orders may; those of one client pass one by one where a limit adds them up over
    all portfolios.  The time is the database's, after the wait: so a rule that changed meanwhile
    has begun, whichever machine's clock is late.
    """
    [(_, at)] = run_prepared(HOLD, [RULES_LOCK])
    rules = rules_read(portfolio, symbol, at)
    if any(one.scope is LimitScope.CLIENT and one.kind in DAILY for one in rules.limits):
        run_prepared(ONE_BY_ONE, [f"orders-of-{portfolio.client_id}"])
    return rules


def rules_change() -> datetime:
    """Wait for the orders that are being checked; those that come after see the change.

    Return the time from which it holds.

    An order whose transaction hangs does not keep the firm from halting: after WAIT_MS the change
    goes on, and that one order may still be accepted under the rules that it read.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {WAIT_MS}")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [RULES_LOCK])
            cursor.execute("SET LOCAL lock_timeout = 0")
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        logger.warning("rules_changed_without_waiting", waited_ms=WAIT_MS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        at: datetime = cursor.fetchone()[0]
    return at
