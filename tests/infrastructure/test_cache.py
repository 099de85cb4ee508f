import pytest
from pytest_django.fixtures import Settings

from apps.infrastructure import cache as cache_module
from apps.infrastructure.cache import TwoLevelCache
from apps.infrastructure.keyvalue import redis_client
from apps.infrastructure.resilience import breaker


@pytest.fixture
def quotes() -> TwoLevelCache:
    return TwoLevelCache("quotes", ttl_seconds=60, local_ttl_seconds=30)


@pytest.fixture
def redis_down(settings: Settings) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"


@pytest.fixture(autouse=True)
def _closed_breaker() -> None:
    breaker("redis").close()


def test_get_after_set_in_another_process_returns_the_shared_value(quotes: TwoLevelCache) -> None:
    quotes.set("AAPL", {"bid": "189.10"})
    other = TwoLevelCache("quotes", ttl_seconds=60, local_ttl_seconds=30)

    assert other.get("AAPL") == {"bid": "189.10"}
    assert other.get("MSFT") is None


def test_get_many_with_unknown_keys_leaves_them_out(quotes: TwoLevelCache) -> None:
    quotes.set_many({"A": 1, "B": 2})
    quotes.clear_local()

    assert quotes.get_many(["A", "B", "C"]) == {"A": 1, "B": 2}


def test_get_within_local_ttl_does_not_ask_redis(quotes: TwoLevelCache) -> None:
    quotes.set("A", 1)
    redis_client().flushdb()

    assert quotes.get("A") == 1


def test_get_after_local_ttl_asks_redis_again() -> None:
    impatient = TwoLevelCache("quotes", ttl_seconds=60, local_ttl_seconds=0)
    impatient.set("A", 1)
    TwoLevelCache("quotes", ttl_seconds=60, local_ttl_seconds=0).set("A", 2)

    assert impatient.get("A") == 2


def test_set_expires_in_redis_after_ttl(quotes: TwoLevelCache) -> None:
    quotes.set("A", 1)

    assert 0 < int(str(redis_client().pttl("cache:quotes:A"))) <= 60_000


def test_delete_forgets_both_levels(quotes: TwoLevelCache) -> None:
    quotes.set("A", 1)
    quotes.delete("A")

    assert quotes.get("A") is None


def test_set_of_what_json_cannot_hold_raises_and_keeps_nothing(quotes: TwoLevelCache) -> None:
    with pytest.raises(TypeError):
        quotes.set_many({"A": 1, "B": object()})

    assert quotes.get_many(["A", "B"]) == {}


@pytest.mark.usefixtures("redis_down")
def test_get_with_redis_down_serves_memory_and_misses_the_rest() -> None:
    alone = TwoLevelCache("quotes", ttl_seconds=60, local_ttl_seconds=0)
    alone.set("A", 1)

    assert alone.get_many(["A", "B"]) == {"A": 1}
    alone.delete("A")
    assert alone.get("A") is None


@pytest.mark.usefixtures("redis_down")
def test_get_with_redis_down_for_long_opens_the_breaker(quotes: TwoLevelCache) -> None:
    for _ in range(6):
        quotes.get("A")

    assert breaker("redis").current_state == "open"


def test_local_level_over_its_bound_forgets_the_oldest(
    quotes: TwoLevelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "LOCAL_ENTRIES_MAX", 2)
    quotes.set_many({"A": 1, "B": 2, "C": 3})
    redis_client().flushdb()

    assert quotes.get_many(["A", "B", "C"]) == {"B": 2, "C": 3}
