"""Loading history, ingesting quotes, and what an officer does with an instrument."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, IllegalTransition, InvalidInput, NotFound
from apps.infrastructure.keyvalue import channel_of, redis_client
from apps.market import selectors, services
from apps.market.domain.bars import DailyBar
from apps.market.domain.quotes import Quote
from apps.market.domain.wire import QUOTES_CHANNEL, quote_pack
from apps.market.models import Bar, Instrument, LastQuote, Tick
from apps.market.providers.packaged import BarFile, bar_files
from apps.market.tasks import ingest_ticks, prune_ticks
from tests.market.factories import make_instrument, put_quote
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db(databases=["default", "timescale"])
DAY = date(2012, 6, 1)


def quote(symbol: str = "AAPL", last: str = "100", seconds: float = 0) -> Quote:
    price = Decimal(last)
    at = timezone.now() + timedelta(seconds=seconds)
    return Quote(
        symbol, price - Decimal("0.01"), price + Decimal("0.01"), price, Decimal(5), at, "replay"
    )


def bar_file(tmp_path: Path, bars: list[DailyBar]) -> BarFile:
    path = tmp_path / "bars.csv"
    path.write_text("content")
    return BarFile("test", path, lambda _: iter(bars))


def test_market_load_twice_writes_once() -> None:
    call_command("market_load", verbosity=0)
    assert Bar.objects.count() == 8313 * 21 + 12154
    assert Instrument.objects.count() == 24
    names = AuditEvent.objects.values_list("name", flat=True)
    assert sorted(names) == ["market.bars.loaded"] * 3 + ["market.instrument.listed"] * 24 + [
        "market.reference_rates.loaded"
    ]
    apple = selectors.bars_list(
        "AAPL", date(2012, 6, 1), date(2012, 6, 1), source="bokeh_sampledata"
    )
    assert apple.get().close == Decimal("560.99")
    adjusted_only = selectors.bars_list("AAPL", date(2022, 12, 28), date(2022, 12, 28)).get()
    assert (adjusted_only.close, adjusted_only.adjusted_close) == (None, Decimal("125.674"))

    Instrument.objects.filter(symbol="AAPL").update(status="HALTED")
    call_command("market_load", verbosity=0)
    assert AuditEvent.objects.count() == 28
    assert selectors.instrument_get("AAPL").status == "HALTED"
    days = selectors.replay_days(date(2012, 5, 18), date(2013, 3, 1))
    assert len(days) == 24
    assert "SP500" in days, "portfolios are measured against it"
    assert {len(bars) for bars in days.values()} <= {195, 196}


def test_bar_files_hold_the_packaged_history_without_a_network() -> None:
    first = next(bar_files()[0].bars())
    assert (first.symbol, first.day, first.adjusted_close) == (
        "SP500",
        date(1990, 1, 2),
        Decimal("359.69"),
    )
    assert len(bar_files()[0].sha256()) == 64


def test_bars_load_corrected_row_counts_as_changed(tmp_path: Path) -> None:
    bars = [DailyBar("AAPL", DAY, Decimal(10)), DailyBar("MSFT", DAY, Decimal(20))]
    assert services.bars_load(actor=None, bar_file=bar_file(tmp_path, bars)) == 2
    bars[0] = DailyBar("AAPL", DAY, Decimal(11))
    assert services.bars_load(actor=None, bar_file=bar_file(tmp_path, bars)) == 1
    assert Bar.objects.get(symbol="AAPL").adjusted_close == Decimal(11)


def test_quotes_ingest_new_quotes_reach_table_ticks_cache_and_feed() -> None:
    make_instrument("AAPL")
    listener = redis_client().pubsub()
    listener.subscribe(channel_of(QUOTES_CHANNEL))
    assert listener.get_message(timeout=2) is not None
    moved = services.quotes_ingest(ticks=[quote(last="100"), quote(last="101", seconds=1)])
    assert moved == ["AAPL"]
    assert LastQuote.objects.get().last == Decimal(101)
    assert Tick.objects.count() == 2
    LastQuote.objects.all().delete()
    cached = selectors.quote_get("AAPL")
    assert cached is not None
    assert cached.last == Decimal(101)
    message = listener.get_message(timeout=2)
    listener.close()
    assert message is not None
    assert '"s":"AAPL"' in message["data"]


def test_quotes_ingest_late_quote_never_replaces_a_newer() -> None:
    make_instrument("AAPL")
    services.quotes_ingest(ticks=[quote(last="100")])
    assert services.quotes_ingest(ticks=[quote(last="90", seconds=-60)]) == []
    assert LastQuote.objects.get().last == Decimal(100)
    assert Tick.objects.count() == 2


def test_quotes_ingest_same_batch_again_changes_nothing() -> None:
    make_instrument("AAPL")
    batch = [quote()]
    assert services.quotes_ingest(ticks=batch) == ["AAPL"]
    assert services.quotes_ingest(ticks=batch) == []
    assert Tick.objects.count() == 1


def test_quotes_ingest_unknown_symbol_or_future_is_dropped() -> None:
    make_instrument("AAPL")
    assert services.quotes_ingest(ticks=[quote("NOPE"), quote(seconds=3600)]) == []
    assert not LastQuote.objects.exists()
    assert not Tick.objects.exists()


def test_ingest_ticks_one_bad_tick_does_not_stop_the_others() -> None:
    make_instrument("AAPL")
    bad: list[Any] = [{"symbol": "AAPL"}, {**quote_pack(quote()), "bid": "NaN"}]
    bad.append({**quote_pack(quote()), "last": 5})
    ingest_ticks([*bad, quote_pack(quote(last="7"))], replayed_on="2012-06-01")
    assert LastQuote.objects.get().last == Decimal(7)


@override_settings(REDIS_URL="unix:///nowhere.sock")
def test_quotes_ingest_without_redis_still_writes_the_table() -> None:
    make_instrument("AAPL")
    assert services.quotes_ingest(ticks=[quote()]) == ["AAPL"]
    assert LastQuote.objects.exists()


@override_settings(TICK_RETENTION_DAYS=7)
def test_prune_ticks_old_ones_go_and_recent_ones_stay() -> None:
    make_instrument("AAPL")
    services.quotes_ingest(ticks=[quote(seconds=-8 * 86400), quote()])
    prune_ticks()
    assert Tick.objects.count() == 1


def test_quotes_get_symbol_without_quote_is_absent() -> None:
    put_quote("AAPL", "10", "10.02")
    assert list(selectors.quotes_get(["AAPL", "MSFT", "AAPL"])) == ["AAPL"]
    assert selectors.quote_get("MSFT") is None


def test_instrument_halt_then_resume_leaves_two_events() -> None:
    make_instrument("AAPL")
    officer = make_user()
    assert not services.instrument_halt(actor=officer, symbol="AAPL", reason="News").is_tradable
    assert services.instrument_resume(actor=officer, symbol="AAPL", reason="Over").is_tradable
    events = AuditEvent.objects.stream("instrument-AAPL")
    assert [event.name for event in events] == [
        "market.instrument.halted",
        "market.instrument.resumed",
    ]
    assert events[0].payload == {"symbol": "AAPL", "reason": "News"}
    assert events[0].actor_id == officer.pk


@pytest.fixture
def officer() -> Iterator[Any]:
    make_instrument("AAPL", status="ACTIVE")
    user = make_user()
    before = AuditEvent.objects.filter(stream="instrument-AAPL").count()
    yield user
    assert AuditEvent.objects.filter(stream="instrument-AAPL").count() == before
    assert Instrument.objects.get(symbol="AAPL").status == "ACTIVE"


def test_instrument_resume_active_is_refused(officer: Any) -> None:
    with pytest.raises(IllegalTransition):
        services.instrument_resume(actor=officer, symbol="AAPL", reason="No need")


def test_instrument_release_unrestricted_is_refused(officer: Any) -> None:
    with pytest.raises(Conflict):
        services.instrument_release(actor=officer, symbol="AAPL", reason="No need")


@pytest.mark.parametrize("reason", ["", "  x ", "y" * 301, "a\x00bc"])
def test_instrument_halt_bad_reason_is_refused(officer: Any, reason: str) -> None:
    with pytest.raises(InvalidInput):
        services.instrument_halt(actor=officer, symbol="AAPL", reason=reason)


def test_instrument_halt_unknown_symbol_is_refused(officer: Any) -> None:
    with pytest.raises(NotFound):
        services.instrument_halt(actor=officer, symbol="NOPE", reason="No such thing")


def test_instrument_restrict_twice_is_refused() -> None:
    make_instrument("AAPL")
    user = make_user()
    assert services.instrument_restrict(actor=user, symbol="AAPL", reason="Deal").is_restricted
    with pytest.raises(Conflict):
        services.instrument_restrict(actor=user, symbol="AAPL", reason="Deal")
    assert not services.instrument_release(actor=user, symbol="AAPL", reason="Done").is_restricted


def test_session_is_open_replay_always_and_live_by_the_calendar() -> None:
    instrument = make_instrument("AAPL")
    night = datetime(2024, 7, 4, 15, tzinfo=UTC)
    assert selectors.session_is_open(instrument, night)
    with override_settings(MARKET_PROVIDER="live"):
        assert not selectors.session_is_open(instrument, night)
        assert selectors.session_is_open(instrument, datetime(2024, 7, 5, 15, tzinfo=UTC))
        assert selectors.session_is_open(make_instrument("BTC", asset_class="CRYPTO"), night)


def test_instrument_list_leaves_out_what_no_order_may_name() -> None:
    make_instrument("AAPL")
    make_instrument("SP500", asset_class="INDEX")
    make_instrument("GONE", status="DELISTED")
    assert [row.symbol for row in selectors.instrument_list()] == ["AAPL"]
    assert selectors.instrument_list(only_tradable=False).count() == 3
