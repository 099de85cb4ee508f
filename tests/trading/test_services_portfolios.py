import pytest
from pytest_django import Settings

from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted, Refused
from apps.trading.models import Portfolio
from apps.trading.selectors.portfolios import portfolio_get, portfolio_list
from apps.trading.services.portfolios import portfolio_open
from apps.users.domain.roles import Role
from tests.trading.factories import make_portfolio
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
