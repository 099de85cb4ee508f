"""Quotes a second: the cost grows with the orders that trade, not with those that rest.

    python benchmarks/matching.py [resting ...]

For 1,000, 10,000 and 100,000 resting orders of one symbol (limits, stops, stop-limits and trailing
stops, placed the day before, none of which the quotes reach): the time of `quotes_match` for a
quote that trades nothing and for quotes that fill 1 and 10 further orders.  The plan of the search
is printed.  The reference is the same quote with no order resting.  Fails when 100 times the
resting orders cost more than twice as much.

Starts services of its own in a new folder.
"""

import os
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SYMBOL = "AAPL"
ROUNDS = 60
TRADING = (1, 10)
RESTING = """
INSERT INTO trading_order (id, created_at, updated_at, client_id, portfolio_id, mode,
  client_order_id, symbol, currency, side, order_type, time_in_force, quantity, limit_price,
  stop_price, trail_amount, mark_price, worst_price, lot_ids, status, filled_quantity,
  filled_value, fees, held_amount, reason_code, is_waiting, terms_digest,
  estimated_value)
SELECT gen_random_uuid(), now() - interval '1 day', now(), %(client)s, %(portfolio)s, 'PAPER',
       'rest-' || n, %(symbol)s, 'USD', CASE WHEN n %% 2 = 0 THEN 'BUY' ELSE 'SELL' END, kind,
       'GTC', 1,
       CASE WHEN kind IN ('LIMIT', 'STOP_LIMIT') THEN low END,
       CASE WHEN kind = 'LIMIT' THEN NULL ELSE high END,
       CASE WHEN kind = 'TRAILING_STOP' THEN 30 END,
       CASE WHEN kind = 'TRAILING_STOP' THEN high + CASE WHEN n %% 2 = 0 THEN -30 ELSE 30 END END,
       coalesce(CASE WHEN kind IN ('LIMIT', 'STOP_LIMIT') THEN low END,
                CASE WHEN n %% 2 = 0 THEN high * 1.02 ELSE 0 END),
       '{}', 'NEW', 0, 0, 0, 0, '', false, '', 0
  FROM (SELECT n, (ARRAY['LIMIT', 'STOP', 'STOP_LIMIT', 'TRAILING_STOP'])[1 + n / 2 %% 4] AS kind,
               -- Away from the market on the side that does not trade.
               CASE WHEN n %% 2 = 0 THEN 50 ELSE 150 END + n %% 997 * 0.01 AS low,
               CASE WHEN n %% 2 = 0 THEN 120 ELSE 75 END + n %% 997 * 0.005 AS high
          FROM generate_series(1, %(count)s) AS n) AS numbered
"""


def prepare() -> Any:
    from apps.ledger.domain.legs import AccountKind, Leg  # noqa: PLC0415
    from apps.ledger.services import entry_post  # noqa: PLC0415
    from apps.market.models import Instrument  # noqa: PLC0415
    from apps.trading.services.portfolios import portfolio_open  # noqa: PLC0415
    from apps.users.domain.roles import Role  # noqa: PLC0415
    from apps.users.services.accounts import user_provision  # noqa: PLC0415

    Instrument.objects.create(
        symbol=SYMBOL, name="Apple", exchange="XNAS", sector="IT", lot_size=Decimal(1)
    )
    client, _ = user_provision(
        email="resting@x.example",
        password="long enough for a benchmark",  # noqa: S106
        display_name="Resting",
        roles=[Role.CLIENT],
        with_totp=False,
    )
    portfolio = portfolio_open(actor=client, client=client, name="Resting")
    cash = Decimal(10_000_000)
    entry_post(
        actor=None,
        idempotency_key="opening",
        kind="OPENING",
        legs=[
            Leg(portfolio.id, AccountKind.CASH, "USD", cash),
            Leg(None, AccountKind.CLIENT_MONEY, "USD", -cash),
        ],
    )
    return portfolio


def quote(last: str) -> None:
    """Make it the newest quote, past the feed: what is measured is the matching."""
    from django.utils import timezone  # noqa: PLC0415

    from apps.market.domain.quotes import Quote  # noqa: PLC0415
    from apps.market.models import LastQuote  # noqa: PLC0415
    from apps.market.repositories import remember_quotes  # noqa: PLC0415

    price = Decimal(last)
    one = Quote(SYMBOL, price, price, price, Decimal(10**9), timezone.now(), "bench")
    values = {"bid": price, "ask": price, "last": price, "volume": one.volume, "at": one.at}
    LastQuote.objects.update_or_create(symbol=SYMBOL, defaults={**values, "source": "bench"})
    remember_quotes([one])


def timed(portfolio: Any, trading: int) -> float:
    """Return the median seconds of one quote that reaches so many orders."""
    from apps.trading.services.orders import order_place  # noqa: PLC0415
    from apps.trading.services.routing import quotes_match  # noqa: PLC0415

    times = []
    for number in range(max(5, ROUNDS // (trading + 1))):
        quote("100.00")
        for place in range(trading):
            order_place(
                actor=portfolio.client,
                portfolio_id=portfolio.id,
                symbol=SYMBOL,
                side="BUY",
                order_type="LIMIT",
                limit_price=Decimal("99.50"),
                quantity=Decimal(1),
                time_in_force="GTC",
                client_order_id=f"{time.monotonic_ns()}-{number}-{place}",
            )
        quote("99.50" if trading else f"{100 + number % 7 * Decimal('0.01')}")
        start = time.perf_counter()
        traded = quotes_match(symbols=[SYMBOL])
        times.append(time.perf_counter() - start)
        if traded != trading:
            raise SystemExit(f"{traded} orders traded, not {trading}.")
    return median(times)


def plan() -> str:
    from django.db import connection  # noqa: PLC0415

    from apps.trading.repositories.matching import ORDERS_THAT_TRADE  # noqa: PLC0415

    price = [Decimal(100)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN (ANALYZE, COSTS OFF, BUFFERS, TIMING OFF) {ORDERS_THAT_TRADE}",
            [[SYMBOL], price, price, price],
        )
        return "\n".join(row[0] for row in cursor.fetchall())


def measure(sizes: list[int]) -> int:
    import django  # noqa: PLC0415

    django.setup()
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    settings.PRE_TRADE_CHECKS = []
    portfolio = prepare()
    timed(portfolio, 1)
    results: dict[int, list[float]] = {}
    there = 0
    for size in [0, *sizes]:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            terms = {"client": portfolio.client_id, "portfolio": portfolio.id, "symbol": SYMBOL}
            cursor.execute(
                RESTING.replace("generate_series(1,", f"generate_series({there + 1},"),
                {**terms, "count": size},
            )
            cursor.execute("ANALYZE trading_order")
        there = size
        results[size] = [timed(portfolio, trading) for trading in (0, *TRADING)]
        cells = (
            f"{count} trading: {1 / seconds:7.0f} quotes/s ({seconds * 1000:6.2f} ms)"
            for count, seconds in zip((0, *TRADING), results[size], strict=True)
        )
        ratio = results[0][0] / results[size][0]
        print(f"{size:>7} resting  {'  '.join(cells)}  ratio to none resting {ratio:.2f}")
    print(plan())
    return 1 if results[sizes[-1]][0] > 2 * results[sizes[0]][0] else 0


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stratford.settings")
    sizes = [int(text) for text in sys.argv[1:]] or [1_000, 10_000, 100_000]
    folder = Path(tempfile.mkdtemp(prefix="stratford-bench-"))
    folder.chmod(0o755)
    os.environ |= {"STRATFORD_VAR": str(folder), "STRATFORD_DATABASE_ROLE": "owner"}
    from stratford import embedded  # noqa: PLC0415

    with embedded.running():
        return measure(sizes)


if __name__ == "__main__":
    raise SystemExit(main())
