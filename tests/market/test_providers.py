"""The replay is deterministic and honest to its bars; the stream has one leader."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from celery import current_app
from django.core.management import CommandError, call_command
from django.db import connection
from kombu.exceptions import OperationalError

from apps.core.errors import Unavailable
from apps.market.domain.bars import DailyBar
from apps.market.domain.wire import quote_unpack
from apps.market.providers.replay import SOURCE, ReplayProvider
from apps.market.providers.stream import LEADER_LOCK, Stream

FULL = DailyBar(
    "AAPL",
    date(2012, 6, 1),
    Decimal("70"),
    Decimal("569.16"),
    Decimal("572.65"),
    Decimal("560.52"),
    Decimal("560.99"),
    Decimal(18_606_700),
)
CLOSES = [
    DailyBar("JPM", date(2012, 5, 31), Decimal("25.00")),
    DailyBar("JPM", date(2012, 6, 1), Decimal("24.10")),
]
EPOCH = datetime.fromtimestamp(0, UTC)


@pytest.fixture
def provider() -> ReplayProvider:
    return ReplayProvider({"AAPL": [FULL], "JPM": CLOSES}, seconds_per_day=390)


def test_replay_ticks_of_a_day_add_up_to_its_bar(provider: ReplayProvider) -> None:
    start = EPOCH + timedelta(seconds=390)
    batches = [provider.batch(start + timedelta(seconds=second)) for second in range(390)]
    assert {batch.replayed_on for batch in batches} == {date(2012, 6, 1)}
    apple = [quote for batch in batches for quote in batch.quotes if quote.symbol == "AAPL"]
    prices = [quote.last for quote in apple]
    assert (prices[0], prices[-1]) == (FULL.open, FULL.close)
    assert (max(prices), min(prices)) == (FULL.high, FULL.low)
    volume = sum(quote.volume for quote in apple)
    assert 0 <= FULL.volume - volume < 390  # type: ignore[operator]
    assert {quote.source for quote in apple} == {SOURCE}
    assert all(quote.ask - quote.bid >= Decimal("0.01") for quote in apple)
    assert all(quote.bid <= quote.last <= quote.ask for quote in apple)


def test_replay_closes_alone_run_from_the_day_before_to_the_day(provider: ReplayProvider) -> None:
    first = provider.batch(EPOCH + timedelta(seconds=390))
    last = provider.batch(EPOCH + timedelta(seconds=779))
    prices = (
        {row.symbol: row.last for row in first.quotes},
        {row.symbol: row.last for row in last.quotes},
    )
    assert (prices[0]["JPM"], prices[1]["JPM"]) == (Decimal("25.00"), Decimal("24.10"))


def test_replay_same_moment_same_quotes_and_loops_for_ever(provider: ReplayProvider) -> None:
    other = ReplayProvider({"AAPL": [FULL], "JPM": CLOSES}, seconds_per_day=390)
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert provider.batch(at) == other.batch(at)
    loop = timedelta(seconds=780)
    assert provider.position(at) == provider.position(at + loop)


def test_replay_without_bars_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        ReplayProvider({})


class Sent(list[dict[str, Any]]):
    fails = False

    def __call__(self, name: str, **options: Any) -> None:
        if self.fails:
            raise OperationalError("no broker")
        self.append({"name": name, **options})


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    messages = Sent()
    monkeypatch.setattr(current_app, "send_task", messages)
    return messages


@pytest.fixture
def stream(provider: ReplayProvider) -> Iterator[Stream]:
    stream = Stream(provider, interval_seconds=0.2, stop=threading.Event())
    yield stream
    stream.leadership.release()


@pytest.fixture
def rival() -> Iterator["psycopg.Connection[Any]"]:
    """Another instance's session of the database."""
    parameters = {
        name: value
        for name, value in connection.get_connection_params().items()
        if name in {"dbname", "user", "host", "port"}
    }
    with psycopg.connect(**parameters, autocommit=True) as session:
        yield session


@pytest.mark.django_db(transaction=True)
def test_stream_leader_sends_whole_batches_that_expire(stream: Stream, sent: Sent) -> None:
    assert 0 <= stream.beat() <= 0.2
    message = sent[0]
    assert (message["name"], message["expires"]) == ("market.ingest_ticks", 5)
    quotes = [quote_unpack(values) for values in message["args"][0]]
    assert {quote.source for quote in quotes} == {"replay"}
    assert message["kwargs"]["replayed_on"] in {"2012-05-31", "2012-06-01"}


@pytest.mark.django_db(transaction=True)
def test_stream_second_instance_waits_until_the_first_is_gone(
    stream: Stream, sent: Sent, rival: "psycopg.Connection[Any]"
) -> None:
    rival.execute("SELECT pg_advisory_lock(%s)", [LEADER_LOCK])
    assert stream.beat() == 1.0
    assert not sent
    rival.close()
    for _ in range(50):
        stream.beat()
        if sent:
            break
        threading.Event().wait(0.05)
    assert sent
    assert stream.leadership.confirm()


@pytest.mark.django_db(transaction=True)
def test_stream_broken_session_loses_the_lead_and_comes_back(
    stream: Stream, sent: Sent, rival: "psycopg.Connection[Any]"
) -> None:
    stream.beat()
    pid = connection.connection.info.backend_pid
    rival.execute("SELECT pg_terminate_backend(%s)", [pid])
    threading.Event().wait(0.2)
    assert stream.beat() == 1.0
    stream.beat()
    assert stream.leadership.confirm()
    assert len(sent) == 2


@pytest.mark.django_db(transaction=True)
def test_stream_without_broker_backs_off_then_goes_on(stream: Stream, sent: Sent) -> None:
    sent.fails = True
    pauses = [stream.beat() for _ in range(5)]
    assert 1 <= pauses[0] <= 2
    assert 7.5 <= pauses[4] <= 15
    sent.fails = False
    stream.beat()
    assert stream.failures == 0
    assert len(sent) == 1


@pytest.mark.django_db(transaction=True)
def test_stream_runs_until_stopped_and_gives_the_lead_back(
    stream: Stream, sent: Sent, rival: "psycopg.Connection[Any]"
) -> None:
    threading.Timer(0.5, stream.stop.set).start()
    stream.run()
    assert len(sent) >= 2
    row = rival.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK]).fetchone()
    assert row == (True,)


@pytest.mark.django_db(databases=["default", "timescale"])
@pytest.mark.parametrize("options", [{"interval": 0.01}, {"seconds_per_day": 1}, {}])
def test_market_stream_without_bars_or_with_bad_options_says_so(options: dict[str, Any]) -> None:
    with pytest.raises(CommandError):
        call_command("market_stream", **options)
