"""Accepted and filled orders a second, against a bare psycopg program that writes the same rows.

    python benchmarks/order_path.py [orders] [writers]

Every order is placed by `order_place` (with the gates that production has) and filled by
`order_route` on the paper venue, half purchases and half sales: two transactions with order, holds,
ledger, execution, lots, audit events and outbox.  The reference writes the rows that this left into
empty tables of the same shape (columns, indexes, checks), one prepared statement a row, in the same
two transactions an order: no checks, no reads, no ORM.  Both on the same server with fsync and
synchronous_commit on, `writers` processes at once, one portfolio each.

Starts services of its own in a new folder.  Fails when the ratio is below 0.4 (one writer only),
when the reference wrote another number of rows, or when the ledger does not verify.
"""

import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SYMBOL = "AAPL"
WARM_UP = 20
LEAST_RATIO = 0.4
# Where an order's rows go, parents first, and how each row is told to belong to an order.
TABLES = {
    "ledger_entry": "SELECT reference, kind, t.* FROM ledger_entry t WHERE kind <> 'OPENING'",
    "ledger_posting": (
        "SELECT e.reference, e.kind, t.* FROM ledger_posting t JOIN ledger_entry e"
        " ON e.id = t.entry_id WHERE e.kind <> 'OPENING'"
    ),
    "trading_order": "SELECT t.id::text, 'ORDER_HOLD', t.* FROM trading_order t",
    "trading_execution": "SELECT t.order_id::text, 'EXECUTION', t.* FROM trading_execution t",
    "trading_lot": (
        "SELECT e.order_id::text, 'EXECUTION', t.* FROM trading_lot t"
        " JOIN trading_execution e ON e.id = t.execution_id"
    ),
    "trading_lotconsumption": (
        "SELECT e.order_id::text, 'EXECUTION', t.* FROM trading_lotconsumption t"
        " JOIN trading_execution e ON e.id = t.execution_id"
    ),
    "audit_auditevent": (
        "SELECT coalesce(t.payload->>'order_id', t.payload->>'reference'),"
        " CASE WHEN t.name = 'trading.order.accepted' OR t.payload->>'kind' = 'ORDER_HOLD'"
        " THEN 'ORDER_HOLD' ELSE 'EXECUTION' END, t.* FROM audit_auditevent t"
        " WHERE t.name LIKE 'trading.order.%' OR t.payload->>'kind' IN ('ORDER_HOLD', 'EXECUTION')"
    ),
    "audit_outboxmessage": (
        "SELECT e.payload->>'order_id',"
        " CASE WHEN e.name = 'trading.order.accepted' THEN 'ORDER_HOLD' ELSE 'EXECUTION' END, t.*"
        " FROM audit_outboxmessage t JOIN audit_auditevent e ON e.sequence = t.event_id"
        " WHERE e.name LIKE 'trading.order.%'"
    ),
}
GENERATED = """
SELECT column_name FROM information_schema.columns
 WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'ALWAYS'
"""
WRITTEN = """
SELECT coalesce(sum(n_tup_ins), 0), coalesce(sum(n_tup_upd), 0) FROM pg_stat_user_tables
 WHERE schemaname = %s AND relname = ANY(%s)
"""


class Client:
    """One portfolio's orders, half purchases and half sales."""

    def __init__(self, number: int) -> None:
        from apps.trading.models import Portfolio  # noqa: PLC0415

        self.number = number
        self.portfolio = Portfolio.objects.select_related("client").order_by("name")[number]
        self.quoted_at = 0.0

    def quote(self) -> None:
        """Bring a quote each second, as a feed does."""
        from django.utils import timezone  # noqa: PLC0415

        from apps.market.domain.quotes import Quote  # noqa: PLC0415
        from apps.market.services import quotes_ingest  # noqa: PLC0415

        if self.number == 0 and time.monotonic() - self.quoted_at > 1:
            self.quoted_at = time.monotonic()
            bid, ask, last = Decimal("100.01"), Decimal("100.03"), Decimal("100.02")
            now = timezone.now()
            quotes_ingest(ticks=[Quote(SYMBOL, bid, ask, last, Decimal(10**9), now, "bench")])

    def trade(self, index: int) -> float:
        """Place and fill an order; return the seconds it took."""
        from apps.trading.services.orders import order_place  # noqa: PLC0415
        from apps.trading.services.routing import order_route  # noqa: PLC0415

        start = time.perf_counter()
        order = order_place(
            actor=self.portfolio.client,
            portfolio_id=self.portfolio.id,
            symbol=SYMBOL,
            side="SELL" if index % 2 else "BUY",
            order_type="MARKET",
            quantity=Decimal(1 + index // 2 % 7),
            time_in_force="DAY",
            client_order_id=f"bench-{os.getpid()}-{index}",
        )
        order = order_route(order_id=order.id)
        seconds = time.perf_counter() - start
        if order.status != "FILLED":
            raise SystemExit(f"The order ended as {order.status} {order.reason_code}.")
        return seconds


def serve(result: Path, number: int, orders: int) -> None:
    """Place and fill orders in one portfolio until all are done; write how long each took."""
    import django  # noqa: PLC0415

    django.setup()
    from django.db import connection  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    client = Client(number)
    client.quote()
    if number:
        time.sleep(0.5)
    for index in range(WARM_UP - 2):
        client.trade(index)
    with CaptureQueriesContext(connection) as queries:
        client.trade(WARM_UP - 2)
        client.trade(WARM_UP - 1)
    begin(result)
    times = []
    pids = (os.getpid(), connection.connection.info.backend_pid)
    used = [cpu_of(pid) for pid in pids]
    first = time.monotonic()
    for index in range(WARM_UP, WARM_UP + orders):
        client.quote()
        times.append(client.trade(index))
    seconds = time.monotonic() - first
    used = [cpu_of(pid) - before for pid, before in zip(pids, used, strict=True)]
    finish(result, seconds, times, len(queries) / 2, used)
    connection.close()


def replay(result: Path, rows: Path, dsn: str) -> None:
    """Write one writer's share of the captured rows with psycopg alone."""
    import psycopg  # noqa: PLC0415

    with psycopg.connect(dsn) as connection:
        work = pickle.loads(rows.read_bytes())  # noqa: S301
        cursor = connection.cursor()

        def one(statements: list[tuple[str, Any]]) -> None:
            for statement, values in statements:
                cursor.execute(statement, values, prepare=True)
            connection.commit()

        for pair in work[:WARM_UP]:
            for statements in pair:
                one(statements)
        begin(result)
        times = []
        pids = (os.getpid(), connection.info.backend_pid)
        used = [cpu_of(pid) for pid in pids]
        first = time.monotonic()
        for pair in work[WARM_UP:]:
            start = time.perf_counter()
            for statements in pair:
                one(statements)
            times.append(time.perf_counter() - start)
        statements = sum(len(one) for pair in work for one in pair) / len(work)
        used = [cpu_of(pid) - before for pid, before in zip(pids, used, strict=True)]
        finish(result, time.monotonic() - first, times, statements + 4, used)


def cpu_of(pid: int) -> float:
    """Return the processor seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def begin(result: Path) -> None:
    """Wait until every writer is warm."""
    result.with_suffix(".ready").touch()
    while not (result.parent / f"{result.stem.partition('-')[0]}.go").exists():
        time.sleep(0.005)


def finish(
    result: Path, seconds: float, times: list[float], queries: float, used: list[float]
) -> None:
    written = {"seconds": seconds, "times": times, "queries": queries, "used": used}
    result.write_text(json.dumps(written))


def run(
    folder: Path, name: str, writers: int, command: Any
) -> tuple[float, list[float], float, list[float]]:
    """Run the writers at once.

    Return orders a second, the seconds of each, statements an order, processor ms an order.
    """
    results = [folder / f"{name}-{number}.json" for number in range(writers)]
    processes = [
        subprocess.Popen(  # noqa: S603
            [sys.executable, __file__, *command(number, result)],
            env={**os.environ, "STRATFORD_DATABASE_ROLE": "app"},
        )
        for number, result in enumerate(results)
    ]
    while not all(result.with_suffix(".ready").exists() for result in results):
        if any(process.poll() for process in processes):
            raise SystemExit(f"A {name} writer failed.")
        time.sleep(0.02)
    (folder / f"{name}.go").touch()
    for process in processes:
        if process.wait():
            raise SystemExit(f"A {name} writer failed.")
    written = [json.loads(result.read_text()) for result in results]
    rate = sum(len(one["times"]) / one["seconds"] for one in written)
    times = sorted(seconds for one in written for seconds in one["times"])
    used = [sum(one["used"][part] for one in written) * 1000 / len(times) for part in (0, 1)]
    return rate, times, written[0]["queries"], used


def prepare(writers: int) -> None:
    from apps.compliance.models import KycRecord  # noqa: PLC0415
    from apps.ledger.domain.legs import AccountKind, Leg  # noqa: PLC0415
    from apps.ledger.services import entry_post  # noqa: PLC0415
    from apps.market.models import Instrument  # noqa: PLC0415
    from apps.trading.services.portfolios import portfolio_open  # noqa: PLC0415
    from apps.users.domain.roles import Role  # noqa: PLC0415
    from apps.users.services.accounts import user_provision  # noqa: PLC0415

    Instrument.objects.create(
        symbol=SYMBOL, name="Apple", exchange="XNAS", sector="IT", lot_size=Decimal(1)
    )
    for number in range(writers):
        client, _ = user_provision(
            email=f"{number}@x.example",
            password="long enough for a benchmark",  # noqa: S106
            display_name="Writer",
            roles=[Role.CLIENT],
            with_totp=False,
        )
        KycRecord.objects.create(client=client, status="APPROVED", risk_rating="LOW")
        portfolio = portfolio_open(actor=client, client=client, name=f"Portfolio {number:03}")
        cash = Decimal(10_000_000)
        entry_post(
            actor=None,
            idempotency_key=f"opening-{number}",
            kind="OPENING",
            legs=[
                Leg(portfolio.id, AccountKind.CASH, "USD", cash),
                Leg(None, AccountKind.CLIENT_MONEY, "USD", -cash),
            ],
        )


def counts(cursor: Any, schema: str) -> tuple[int, int]:
    """Return the rows that were inserted and updated in the tables of the order path."""
    cursor.execute("SELECT pg_stat_force_next_flush()")
    cursor.execute("SELECT pg_stat_clear_snapshot()")
    cursor.execute(WRITTEN, [schema, [*TABLES, "ledger_account"]])
    inserted, updated = cursor.fetchone()
    return int(inserted), int(updated)


def capture(connection: Any) -> dict[str, list[Any]]:
    """Return, by portfolio, each order's two transactions as statements on the twins' rows."""
    from psycopg.types.json import Jsonb  # noqa: PLC0415

    steps: dict[tuple[str, str], list[Any]] = defaultdict(list)
    with connection.cursor() as cursor:
        for table, query in TABLES.items():
            cursor.execute(GENERATED, [table])
            generated = {name for (name,) in cursor.fetchall()}
            cursor.execute(query)
            names = [column.name for column in cursor.description][2:]
            written = [name for name in names if name not in generated]
            places = ", ".join(["%s"] * len(written))
            quoted = ", ".join(f'"{name}"' for name in written)
            insert = f"INSERT INTO reference.{table} ({quoted}) VALUES ({places})"  # noqa: S608
            for order_id, kind, *values in cursor.fetchall():
                changed = dict(zip(names, values, strict=True))
                row = [changed[name] for name in written]
                row = [Jsonb(value) if isinstance(value, dict) else value for value in row]
                steps[order_id, kind].append((insert, row))
                if table == "ledger_posting":
                    update = "UPDATE reference.ledger_account SET balance = balance + %s"
                    move = [changed["amount"], changed["account_id"]]
                    steps[order_id, kind].append((f"{update} WHERE id = %s", move))
        for (order_id, kind), statements in steps.items():
            if kind == "EXECUTION":
                update = "UPDATE reference.trading_order SET status = 'FILLED', updated_at = now()"
                statements.append((f"{update} WHERE id = %s", [order_id]))
        sold = "SELECT e.order_id::text, c.lot_id FROM trading_lotconsumption c"
        cursor.execute(f"{sold} JOIN trading_execution e ON e.id = c.execution_id")
        for order_id, lot_id in cursor.fetchall():
            update = "UPDATE reference.trading_lot SET remaining_cost = remaining_cost"
            steps[order_id, "EXECUTION"].append((f"{update} WHERE id = %s", [lot_id]))
        cursor.execute("SELECT id::text, portfolio_id FROM trading_order ORDER BY created_at")
        shares: dict[str, list[Any]] = defaultdict(list)
        for order_id, portfolio_id in cursor.fetchall():
            pair = (steps[order_id, "ORDER_HOLD"], steps[order_id, "EXECUTION"])
            shares[str(portfolio_id)].append(pair)
    return shares


def measure(folder: Path, orders: int, writers: int) -> int:
    import django  # noqa: PLC0415

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    from apps.ledger.models import Account  # noqa: PLC0415
    from apps.ledger.selectors import ledger_differences  # noqa: PLC0415

    for alias in ("default", "timescale"):
        call_command("migrate", database=alias, verbosity=0)
    prepare(writers)
    total = writers * (orders + WARM_UP)
    with connection.cursor() as cursor:
        before = counts(cursor, "public")
        rate, times, queries, used = run(
            folder, "service", writers, lambda n, r: ["--serve", str(r), str(n), str(orders)]
        )
        after = counts(cursor, "public")
        made = Account.objects.exclude(postings__entry__kind="OPENING").count()
        cursor.execute("CREATE SCHEMA reference")
        for table in [*TABLES, "ledger_account"]:
            cursor.execute(f"CREATE TABLE reference.{table} (LIKE {table} INCLUDING ALL)")
        cursor.execute(
            "INSERT INTO reference.ledger_account OVERRIDING SYSTEM VALUE"
            " SELECT * FROM ledger_account"
        )
        cursor.execute("UPDATE reference.ledger_account SET balance = 10000000, floor = NULL")
        cursor.execute("GRANT USAGE ON SCHEMA reference TO stratford_app")
        cursor.execute("GRANT ALL ON ALL TABLES IN SCHEMA reference TO stratford_app")
    shares = capture(connection)
    files = []
    for number, share in enumerate(shares.values()):
        files.append(folder / f"rows-{number}.pickle")
        files[-1].write_bytes(pickle.dumps(share))
    dsn = os.environ["BENCH_DSN"]
    with connection.cursor() as cursor:
        reference_before = counts(cursor, "reference")
        bare, bare_times, statements, bare_used = run(
            folder, "reference", writers, lambda n, r: ["--replay", str(r), str(files[n]), dsn]
        )
        reference_after = counts(cursor, "reference")
    rows = [after[n] - before[n] for n in (0, 1)]
    # The accounts that the first orders made.
    rows[0] -= made
    reference_rows = [reference_after[n] - reference_before[n] for n in (0, 1)]
    differences = list(ledger_differences())
    for name, speed, seconds, asked, cpu, written in (
        ("services", rate, times, queries, used, rows),
        ("bare psycopg", bare, bare_times, statements, bare_used, reference_rows),
    ):
        p50, p99 = (seconds[int(len(seconds) * part)] * 1000 for part in (0.5, 0.99))
        print(
            f"{name:>12}: {speed:6.1f} orders/s, p50 {p50:5.2f} ms, p99 {p99:5.2f} ms;"
            f" an order: {asked:.1f} statements, {written[0] / total:.2f} rows inserted,"
            f" {written[1] / total:.2f} updated, CPU {cpu[0]:.2f} + {cpu[1]:.2f} ms (server)"
        )
    ratio, work = rate / bare, sum(bare_used) / sum(used)
    print(f"ratio {ratio:.2f}, by processor time {work:.2f}; {writers} writer(s), {orders} each")
    print(*differences[:5], sep="\n")
    too_slow = writers == 1 and ratio < LEAST_RATIO
    return 1 if differences or rows != reference_rows or too_slow else 0


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stratford.settings")
    if sys.argv[1:2] == ["--serve"]:
        serve(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
        return 0
    if sys.argv[1:2] == ["--replay"]:
        replay(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
        return 0
    given = [int(text) for text in sys.argv[1:3]]
    orders, writers = given + [1000, 1][len(given) :]
    folder = Path(tempfile.mkdtemp(prefix="stratford-bench-"))
    folder.chmod(0o755)
    os.environ |= {"STRATFORD_VAR": str(folder), "STRATFORD_DATABASE_ROLE": "owner"}
    os.environ["BENCH_DSN"] = f"host={folder / 'postgres'} user=stratford_app dbname=stratford"
    from stratford import embedded  # noqa: PLC0415

    with embedded.running():
        return measure(folder, orders, writers)


if __name__ == "__main__":
    raise SystemExit(main())
