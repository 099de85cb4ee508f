"""Reads of balances, positions and statements at 10,000 and at 1,000,000 postings; then the proof.

    python benchmarks/ledger.py [postings]

Fills the ledger of 200 portfolios by SQL, past the services: each holds a lot of five symbols,
and then deposits come in, and units come and go again with their lots; a fifth of it in one
portfolio.  Each read is timed at both sizes: the smaller is the reference of the larger.  The plans
at the larger size are printed, with the pages that each statement touched.  `ledger_verify` runs
over all of it, and the reference is the bare sum of postings by account, the least that any proof
must ask.

Starts services of its own in a new folder.  Fails when a read of the larger ledger touches more
than five times the pages, or scans a table of the history from end to end; when `ledger_verify`
takes 30 seconds or more, or finds a difference.
"""

import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
REFERENCE, VERIFY_LIMIT_S, ROUNDS = 10_000, 30.0, 31
# The larger ledger's indexes are a level or two deeper; its history is a hundred times as long.
MOST_GROWTH = 5
PORTFOLIOS, LOTS, SYMBOLS = 200, 5, ["AAPL", "MSFT", "NVDA", "SAP", "TSLA"]
BUSY = UUID(int=1)
START = datetime(2025, 1, 1, tzinfo=UTC)
HISTORY = re.compile(r"Seq Scan on (ledger_entry|ledger_posting|trading_lot|trading_execution)")
TOUCHED = re.compile(r"shared hit=(\d+)(?: read=(\d+))?|shared read=(\d+)")
# Entry n: the lots to begin with, then by turns a deposit, units in, the same units out, a deposit.
MADE = """
CREATE TEMPORARY TABLE made AS
SELECT n, gen_random_uuid() AS entry_id, %(start)s + n * interval '1 minute' AS at, what.*,
       CASE WHEN n <= %(lots)s THEN 1 + n / %(each)s
            WHEN n %% 20 < 4 THEN 1 ELSE 1 + n / 4 %% %(portfolios)s END AS owner
  FROM generate_series(%(first)s::int, %(last)s::int) AS n
 CROSS JOIN LATERAL (
    SELECT CASE WHEN n <= %(lots)s THEN (%(symbols)s::text[])[1 + n %% 5]
                WHEN n %% 4 IN (1, 2) THEN (%(symbols)s::text[])[1 + n / 4 %% 5]
                ELSE 'USD' END AS asset,
           CASE WHEN n > %(lots)s AND n %% 4 = 2 THEN -2 ELSE 2 END AS amount
 ) AS what;
CREATE TEMPORARY TABLE legs AS
SELECT made.n, entry_id, at, leg.owner_id, leg.kind, leg.shard, asset, leg.amount
  FROM made
 CROSS JOIN LATERAL (SELECT lpad(to_hex(owner), 32, '0')::uuid AS id) AS portfolio
 CROSS JOIN LATERAL (VALUES
    (portfolio.id, CASE asset WHEN 'USD' THEN 'CASH' ELSE 'SECURITIES' END, 0, amount),
    (NULL, CASE asset WHEN 'USD' THEN 'CLIENT_MONEY' ELSE 'CLEARING' END, owner %% 16, -amount)
 ) AS leg (owner_id, kind, shard, amount);
ANALYZE legs;
INSERT INTO ledger_account (owner_id, kind, asset, shard, balance, floor, created_at)
SELECT DISTINCT owner_id, kind, asset, shard, 0, CASE WHEN owner_id IS NULL THEN NULL ELSE 0 END,
       %(start)s FROM legs
ON CONFLICT DO NOTHING;
INSERT INTO ledger_entry (id, idempotency_key, kind, reference, digest, posted_at)
SELECT entry_id, 'made-' || n, kind, '', encode(sha256(convert_to(
         kind || E'\\n' || string_agg(line, E'\\n' ORDER BY line COLLATE "C"), 'UTF8')), 'hex'), at
  FROM (
    SELECT n, entry_id, at, CASE asset WHEN 'USD' THEN 'DEPOSIT' ELSE 'TRANSFER' END AS kind,
           coalesce(owner_id::text, '') || '|' || legs.kind || '|' || asset || '|'
           || amount::numeric(38, 8)::text AS line
      FROM legs
  ) AS lines GROUP BY n, entry_id, at, kind ORDER BY n;
INSERT INTO ledger_posting (entry_id, account_id, asset, amount, balance, posted_at)
SELECT entry_id, account.id, legs.asset, amount,
       account.balance + sum(amount) OVER (PARTITION BY account.id ORDER BY n), at
  FROM legs JOIN ledger_account AS account
    ON coalesce(account.owner_id, %(firm)s) = coalesce(legs.owner_id, %(firm)s)
   AND account.kind = legs.kind AND account.asset = legs.asset AND account.shard = legs.shard
 ORDER BY n;
UPDATE ledger_account AS account SET balance = account.balance + moved.amount
  FROM (SELECT owner_id, kind, asset, shard, sum(amount) AS amount FROM legs GROUP BY 1, 2, 3, 4)
    AS moved
 WHERE coalesce(account.owner_id, %(firm)s) = coalesce(moved.owner_id, %(firm)s)
   AND account.kind = moved.kind AND account.asset = moved.asset AND account.shard = moved.shard;
INSERT INTO trading_lot (id, portfolio_id, origin, entry_id, symbol, currency, fx_rate, acquired_at,
                         opened_at, quantity, cost, remaining_quantity, remaining_cost, created_at,
                         updated_at)
SELECT entry_id, owner_id, 'TRANSFER', entry_id, asset, 'USD', 1, at, at, 2, 2,
       CASE WHEN n <= %(lots)s THEN 2 ELSE 0 END, CASE WHEN n <= %(lots)s THEN 2 ELSE 0 END, at, at
  FROM legs WHERE kind = 'SECURITIES' AND amount > 0;
INSERT INTO trading_lotconsumption (lot_id, cause, entry_id, method, quantity, cost, fx_rate,
                                    consumed_at)
SELECT came.entry_id, 'TRANSFER', went.entry_id, 'FIFO', 2, 2, 1, went.at
  FROM made AS went JOIN made AS came ON came.n = went.n - 1
 WHERE went.amount < 0;
DROP TABLE made, legs;
"""
BARE = "SELECT account_id, sum(amount) FROM ledger_posting GROUP BY account_id"
FILLED = ("ledger_entry", "ledger_posting", "ledger_account", "trading_lot", "trading_portfolio")


def prepare() -> None:
    """Make a client with the portfolios, and the instruments with a quote."""
    from django.utils import timezone  # noqa: PLC0415

    from apps.market.domain.quotes import Quote  # noqa: PLC0415
    from apps.market.models import Instrument  # noqa: PLC0415
    from apps.market.services import quotes_ingest  # noqa: PLC0415
    from apps.trading.models import Portfolio  # noqa: PLC0415
    from apps.users.domain.roles import Role  # noqa: PLC0415
    from apps.users.services.accounts import user_provision  # noqa: PLC0415

    client, _ = user_provision(
        email="client@x.example",
        password="long enough for a benchmark",  # noqa: S106
        display_name="Client",
        roles=[Role.CLIENT],
        with_totp=False,
    )
    Portfolio.objects.bulk_create(
        Portfolio(id=UUID(int=number), client=client, name=f"Portfolio {number}", currency="USD")
        for number in range(1, PORTFOLIOS + 1)
    )
    Instrument.objects.bulk_create(
        Instrument(symbol=symbol, name=symbol, exchange="XNAS", sector="IT") for symbol in SYMBOLS
    )
    now, price = timezone.now(), Decimal(100)
    ticks = [Quote(symbol, price, price, price, price, now, "bench") for symbol in SYMBOLS]
    quotes_ingest(ticks=ticks)


def fill(first: int, last: int) -> None:
    """Add the entries `first` to `last`; triggers that look at each row are off meanwhile."""
    from django.db import connection, transaction  # noqa: PLC0415

    terms: dict[str, Any] = {
        "first": first,
        "last": last,
        "start": START,
        "lots": PORTFOLIOS * LOTS - 1,
        "each": LOTS,
        "portfolios": PORTFOLIOS,
        "symbols": SYMBOLS,
        "firm": UUID(int=0),
    }
    with connection.cursor() as cursor:
        for table in FILLED:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        with transaction.atomic():
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute(MADE, terms)
        for table in FILLED:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        cursor.execute(f"VACUUM ANALYZE {', '.join(FILLED)}")


def reads() -> dict[str, Callable[[], object]]:
    """Return the reads that must stay flat, by name."""
    from apps.core.domain.dates import DateRange  # noqa: PLC0415
    from apps.ledger.domain.legs import AccountKind  # noqa: PLC0415
    from apps.ledger.models import Account, Posting  # noqa: PLC0415
    from apps.ledger.selectors import balance_get, balances_of, statement_of  # noqa: PLC0415
    from apps.trading.selectors.positions import position_list  # noqa: PLC0415

    account = Account.objects.get(owner_id=BUSY, kind="CASH")
    newest = Posting.objects.filter(account=account).latest("posted_at", "id").posted_at.date()
    yesterday = newest - timedelta(days=1)
    day, all_days = DateRange(yesterday, yesterday), DateRange(START.date(), newest)
    return {
        "a balance": lambda: balance_get(BUSY, AccountKind.CASH, "USD"),
        "the firm's balance": lambda: balance_get(None, AccountKind.CLIENT_MONEY, "USD"),
        "all balances of a portfolio": lambda: balances_of(BUSY),
        "positions": lambda: position_list(BUSY),
        "a day's statement": lambda: list(statement_of(account, day).lines()),
        "a page of a statement of all": lambda: Posting.objects.page(
            account.id, all_days, None, 50
        ),
    }


def plans(read: Callable[[], object]) -> list[str]:
    """Return the plan of each statement that the read sends."""
    from django.db import connection  # noqa: PLC0415

    asked: list[tuple[str, Any]] = []

    def keep(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(keep):
        read()
    found = []
    with connection.cursor() as cursor:
        for sql, params in asked:
            cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS) {sql}", params)
            found.append("\n".join(line for (line,) in cursor.fetchall()))
    return found


def pages_of(plan: str) -> int:
    """Return the pages that a plan's topmost node touched."""
    found = TOUCHED.search(plan.partition("Planning")[0])
    return sum(int(part) for part in found.groups() if part) if found else 0


def measured() -> tuple[dict[str, tuple[float, int]], list[str]]:
    """Return each read's median (ms) and pages, and the plans in words."""
    figures, shown = {}, []
    for name, read in reads().items():
        times = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            read()
            times.append((time.perf_counter() - start) * 1000)
        found = plans(read)
        figures[name] = (median(times), sum(map(pages_of, found)))
        print(f"  {name}: {figures[name][0]:.2f} ms, {figures[name][1]} pages", flush=True)
        shown += [f"--- {name}", *found]
    return figures, shown


def measure(postings: int) -> int:
    import django  # noqa: PLC0415

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    from apps.ledger.selectors import ledger_differences  # noqa: PLC0415

    for alias in ("default", "timescale"):
        call_command("migrate", database=alias, verbosity=0)
    prepare()
    sizes: list[dict[str, tuple[float, int]]] = []
    shown: list[str] = []
    for first, last in ((0, REFERENCE // 2), (REFERENCE // 2 + 1, postings // 2)):
        start = time.perf_counter()
        fill(first, last)
        print(f"{2 * last:,} postings, filled in {time.perf_counter() - start:.1f} s")
        figures, shown = measured()
        sizes.append(figures)
    start = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(BARE)
        cursor.fetchall()
    bare = time.perf_counter() - start
    start = time.perf_counter()
    differences = list(ledger_differences())
    seconds = time.perf_counter() - start
    print(*shown, sep="\n")
    grown = False
    for name, (large, pages) in sizes[1].items():
        small, reference = sizes[0][name]
        grown |= pages > MOST_GROWTH * reference
        print(
            f"{name}: {large:.2f} ms against {small:.2f} ms, ratio {large / small:.2f};"
            f" pages {pages} against {reference}"
        )
    print(
        f"ledger_verify: {seconds:.1f} s against {bare:.2f} s for the bare sums,"
        f" ratio {seconds / bare:.1f}; {len(differences)} differences"
    )
    print(*differences[:3], sep="\n")
    scanned = HISTORY.findall("\n".join(shown))
    return 1 if differences or grown or scanned or seconds >= VERIFY_LIMIT_S else 0


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stratford.settings")
    folder = Path(tempfile.mkdtemp(prefix="stratford-bench-"))
    folder.chmod(0o755)
    os.environ |= {"STRATFORD_VAR": str(folder), "STRATFORD_DATABASE_ROLE": "owner"}
    from stratford import embedded  # noqa: PLC0415

    with embedded.running():
        return measure(int(sys.argv[1]) if sys.argv[1:] else 1_000_000)


if __name__ == "__main__":
    raise SystemExit(main())
