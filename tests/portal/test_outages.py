"""What clients can still do while Redis and the document store are away, and what nobody can."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from apps.audit.models import AuditEvent
from apps.infrastructure.cache import TwoLevelCache, clear_local_caches
from apps.infrastructure.documents import database as document_database
from apps.infrastructure.resilience import breaker, breaker_states
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get
from apps.trading.models import Order, Portfolio
from apps.users.models import ApiSession, User
from tests.compliance.factories import make_kyc
from tests.trading.factories import make_market, make_portfolio, place_order
from tests.users.factories import api_client

pytestmark = pytest.mark.django_db(databases=["default", "timescale"])
NOWHERE = "unix:///nowhere/redis.sock"
PAGES = (
    *("/", "/orders/", "/trade/", "/trade/AAPL/", "/money/deposit/", "/verification/"),
    *("/activity/", "/notifications/", "/settings/"),
)


@pytest.fixture
def portfolio(user: User) -> Portfolio:
    make_kyc(user)
    make_market()
    return make_portfolio(user, cash="10000")


@pytest.fixture
def outage(settings: Settings) -> Iterator[None]:
    """Take Redis and the document store away."""
    settings.REDIS_URL = NOWHERE
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": NOWHERE}}
    settings.MONGO_URL = "mongodb://127.0.0.1:9/stratford"
    settings.RATELIMIT_ENABLE = True
    clear_local_caches()
    yield
    document_database().client.close()
    for name in breaker_states():
        breaker(name).close()


@pytest.mark.usefixtures("portfolio", "outage")
@pytest.mark.parametrize("path", PAGES)
def test_asvs_v16_5_2_page_is_served_without_redis_and_documents(pages: Client, path: str) -> None:
    assert pages.get(path).status_code == 200


@pytest.mark.usefixtures("outage")
def test_asvs_v16_5_2_breaker_opens_and_nobody_waits_for_the_outage() -> None:
    cache = TwoLevelCache("test-outage", ttl_seconds=60, local_ttl_seconds=0)
    for number in range(5):
        assert cache.get(str(number)) is None
    assert breaker_states()["redis"] == "open"

    assert cache.get("again") is None, "refused by the breaker, and still only a miss"


@pytest.mark.usefixtures("outage")
def test_asvs_v16_5_2_order_is_placed_without_redis_and_documents(portfolio: Portfolio) -> None:
    order = place_order(portfolio, order_type="LIMIT", limit_price="50")

    assert Order.objects.get(id=order.id).status == "NEW"


SIGN_IN = ("/accounts/login/", "/api/v1/auth/token", "/admin/login/")


@pytest.mark.usefixtures("outage")
@pytest.mark.parametrize("path", SIGN_IN)
def test_asvs_v16_5_3_nobody_signs_in_uncounted(client: Client, path: str) -> None:
    # By the first answers the counters are away, by the later ones their breaker is open.
    statuses = {client.post(path, {}, "application/json").status_code for _ in range(8)}

    assert statuses == {503}


@pytest.mark.usefixtures("outage")
def test_asvs_v16_5_3_no_live_feed_is_opened_without_a_token(user: User) -> None:
    answer = api_client(user).post("/api/v1/ws-tokens")

    assert (answer.status_code, answer.json()["code"]) == (503, "tokens_unavailable")


def unchanged(portfolio: Portfolio) -> tuple[int, Decimal, int]:
    return (
        Order.objects.count(),
        balance_get(portfolio.id, AccountKind.CASH, "USD"),
        AuditEvent.objects.count(),
    )


def broken_gate(*args: object, **options: object) -> None:
    raise RuntimeError("the gate itself is broken")


@pytest.mark.parametrize("gate", [f"{__name__}.broken_gate", "apps.compliance.gates.no_such_gate"])
def test_asvs_v16_5_3_gate_that_breaks_lets_no_order_through(
    portfolio: Portfolio, settings: Settings, gate: str
) -> None:
    settings.PRE_TRADE_CHECKS = [gate]
    before = unchanged(portfolio)

    with pytest.raises((RuntimeError, ImportError)):
        place_order(portfolio)

    assert unchanged(portfolio) == before


@pytest.mark.parametrize("name", ["PRE_TRADE_CHECKS", "CASH_CHECKS"])
@pytest.mark.parametrize("gates", [[], ["apps.compliance.gates.no_such_gate"]])
def test_asvs_v16_5_3_deployment_without_its_gates_does_not_start(
    settings: Settings, name: str, gates: list[str]
) -> None:
    setattr(settings, name, gates)

    assert [item for item in checks.run_checks(tags=["security"]) if item.is_serious()]


REFUSE_EVENTS = """
CREATE FUNCTION test_no_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the trail takes nothing'; END $$;
CREATE TRIGGER test_no_events BEFORE INSERT ON audit_auditevent
  FOR EACH ROW EXECUTE FUNCTION test_no_events();
"""


def test_asvs_v16_5_3_nothing_happens_that_the_trail_cannot_take(portfolio: Portfolio) -> None:
    before = unchanged(portfolio)
    with connection.cursor() as cursor:
        cursor.execute(REFUSE_EVENTS)

    with pytest.raises(DatabaseError, match="the trail takes nothing"):
        place_order(portfolio)

    assert unchanged(portfolio) == before


@pytest.mark.usefixtures("outage")
def test_asvs_v16_5_3_withdrawal_without_a_fresh_second_factor_stays_refused(
    portfolio: Portfolio,
) -> None:
    api = api_client(portfolio.client)
    stale = timezone.now() - timedelta(seconds=settings.STEP_UP_SECONDS + 1)
    ApiSession.objects.update(second_factor_at=stale)
    body = {"amount": "10", "currency": "USD"}

    answer = api.post(
        f"/api/v1/portfolios/{portfolio.id}/withdrawals",
        body,
        format="json",
        headers={"Idempotency-Key": "outage-1"},
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")
