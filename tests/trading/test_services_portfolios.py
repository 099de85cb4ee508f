import pytest
from pytest_django import Settings

from apps.audit.models import AuditEvent
from apps.core.domain.money import Money
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted, Refused
from apps.trading.models import Portfolio
from apps.trading.selectors.portfolios import portfolio_get, portfolio_list
from apps.trading.services.cash import deposit_receive
from apps.trading.services.portfolios import portfolio_close, portfolio_open, portfolio_rename
from apps.trading.services.routing import order_route
from apps.users.domain.roles import Role
from tests.trading.factories import hold_units, make_portfolio, place_order
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db


def test_portfolio_open_for_a_client_emits_without_the_name() -> None:
    client = make_user()

    portfolio = portfolio_open(actor=client, client=client, name="  Savings ", currency="EUR")

    assert (portfolio.name, portfolio.mode, portfolio.lot_method) == ("Savings", "PAPER", "FIFO")
    event = AuditEvent.objects.get(stream=portfolio.stream)
    assert event.payload == {
        "portfolio_id": str(portfolio.id),
        "client_id": str(client.id),
        "currency": "EUR",
        "mode": "PAPER",
    }


@pytest.mark.parametrize(
    "fields",
    [{"name": " "}, {"name": "n" * 101}, {"currency": "XXX"}, {"mode": "REAL"}],
)
def test_portfolio_open_with_bad_input_is_refused(fields: dict[str, str]) -> None:
    client = make_user()

    with pytest.raises(InvalidInput):
        portfolio_open(actor=client, client=client, **{"name": "Savings", **fields})

    assert not Portfolio.objects.exists()


def test_portfolio_open_with_a_taken_name_conflicts() -> None:
    portfolio = make_portfolio()

    with pytest.raises(Conflict) as conflict:
        portfolio_open(actor=portfolio.client, client=portfolio.client, name=portfolio.name)

    assert conflict.value.code == "portfolio_name_taken"
    assert Portfolio.objects.count() == 1


def test_portfolio_open_beyond_the_limit_is_refused(settings: Settings) -> None:
    settings.MAX_PORTFOLIOS_PER_CLIENT = 1
    client = make_portfolio().client

    with pytest.raises(Refused) as refused:
        portfolio_open(actor=client, client=client, name="One more")

    assert refused.value.facts == {"limit": "1", "measured": "1"}
    assert Portfolio.objects.count() == 1


def test_portfolio_of_another_client_is_not_found() -> None:
    portfolio, other = make_portfolio(), make_portfolio()

    assert portfolio_get(portfolio.client, portfolio.id) == portfolio
    assert list(portfolio_list(portfolio.client)) == [portfolio]
    with pytest.raises(NotFound):
        portfolio_get(portfolio.client, other.id)


@pytest.mark.parametrize("role", [Role.COMPLIANCE_OFFICER, Role.OPERATIONS, Role.ADMINISTRATOR])
def test_portfolio_open_for_staff_is_not_permitted(role: Role) -> None:
    officer = make_user(role)

    with pytest.raises(NotPermitted):
        portfolio_open(actor=officer, client=officer, name="Mine")

    assert not Portfolio.objects.exists()


def test_portfolio_open_live_without_a_live_venue_is_refused() -> None:
    client = make_user()

    with pytest.raises(Refused) as refused:
        portfolio_open(actor=client, client=client, name="Live", mode="LIVE")

    assert refused.value.code == "live_not_available"
    assert not Portfolio.objects.exists()


def test_portfolio_rename_keeps_the_name_out_of_the_event_and_is_once() -> None:
    portfolio = make_portfolio()

    for _ in range(2):
        portfolio_rename(actor=portfolio.client, portfolio_id=portfolio.id, name=" Pension ")

    portfolio.refresh_from_db()
    assert portfolio.name == "Pension"
    events = AuditEvent.objects.filter(name="trading.portfolio.renamed")
    assert [event.payload for event in events] == [
        {"portfolio_id": str(portfolio.id), "client_id": str(portfolio.client_id)}
    ]


def test_portfolio_rename_to_a_taken_name_or_of_another_client_changes_nothing() -> None:
    portfolio, other = make_portfolio(), make_portfolio()
    second = make_portfolio(portfolio.client)

    with pytest.raises(Conflict):
        portfolio_rename(actor=portfolio.client, portfolio_id=second.id, name=portfolio.name)
    with pytest.raises(NotFound):
        portfolio_rename(actor=portfolio.client, portfolio_id=other.id, name="Mine")

    assert not AuditEvent.objects.filter(name="trading.portfolio.renamed").exists()


@pytest.mark.parametrize("what", ["cash", "units"])
def test_portfolio_close_that_is_not_empty_is_refused(what: str) -> None:
    portfolio = make_portfolio(cash="0.01" if what == "cash" else "0")
    if what == "units":
        hold_units(portfolio, "1")

    with pytest.raises(Refused) as refused:
        portfolio_close(actor=portfolio.client, portfolio_id=portfolio.id)

    assert refused.value.code == "portfolio_not_empty"
    portfolio.refresh_from_db()
    assert portfolio.closed_at is None


def test_portfolio_once_closed_reads_and_takes_nothing() -> None:
    portfolio = make_portfolio()
    for _ in range(2):
        portfolio_close(actor=portfolio.client, portfolio_id=portfolio.id)

    assert portfolio_get(portfolio.client, portfolio.id).is_closed
    assert AuditEvent.objects.filter(name="trading.portfolio.closed").count() == 1
    with pytest.raises(Conflict) as conflict:
        deposit_receive(
            actor=portfolio.client,
            portfolio_id=portfolio.id,
            amount=Money.of("5", "USD"),
            idempotency_key="late",
        )
    assert conflict.value.code == "portfolio_closed"
    with pytest.raises(Conflict):
        place_order(portfolio)
    with pytest.raises(Conflict):
        portfolio_rename(actor=portfolio.client, portfolio_id=portfolio.id, name="Again")
    again = portfolio_open(actor=None, client=portfolio.client, name=portfolio.name)
    assert not again.is_closed


def test_event_of_an_order_that_comes_after_its_portfolio_closed_is_heard() -> None:
    portfolio = make_portfolio()
    order = hold_units(portfolio, "1")
    Portfolio.objects.filter(id=portfolio.id).update(closed_at=order.created_at)

    assert order_route(order_id=order.id).status == "FILLED"
