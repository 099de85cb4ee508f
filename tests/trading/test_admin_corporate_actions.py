"""Corporate actions on the desk: entered, previewed, confirmed by somebody else, taken back."""

import pytest
from django.test import Client

from apps.trading.models import CorporateAction
from apps.trading.services.entitlements import corporate_actions_run
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.trading.factories import make_portfolio
from tests.trading.issuers import trade
from tests.users.factories import make_user
from tests.users.helpers import prove_second_factor

pytestmark = pytest.mark.django_db(databases=["default", "timescale"])
PROPOSE = "/admin/trading/corporateaction/propose/"
TERMS = {
    "kind": "SPLIT",
    "symbol": "AAPL",
    "currency": "USD",
    "ex_date": "2020-08-31",
    "ratio_new": "4",
    "ratio_old": "1",
    "source": "Issuer's press release of 30 July 2020",
}


def desk(role: Role = Role.OPERATIONS) -> tuple[Client, User]:
    user = make_user(role, with_totp=True)
    client = Client()
    client.force_login(user)
    prove_second_factor(client, user)
    return client, user


def act(client: Client, action: CorporateAction, command: str, reason: str = "") -> int:
    page = f"/admin/trading/corporateaction/{action.id}/change/"
    return client.post(page, {"command": command, "reason": reason}).status_code


def test_action_goes_from_proposal_to_reversal_by_two_people() -> None:
    portfolio = make_portfolio()
    trade(portfolio, "BUY", "10", "100", on="2020-01-02")
    (first, _), (second, _) = desk(), desk()

    assert first.post(PROPOSE, TERMS).status_code == 302
    action = CorporateAction.objects.get()
    page = first.get(f"/admin/trading/corporateaction/{action.id}/change/").content.decode()
    assert "1 portfolio with" in page
    assert str(portfolio.id) in page
    assert ">Confirm<" not in page

    act(first, action, "confirm")
    action.refresh_from_db()
    assert action.status == "PROPOSED"
    act(second, action, "confirm")
    corporate_actions_run()
    act(first, action, "propose_reversal", "The ratio was wrong")
    act(second, action, "confirm_reversal")
    corporate_actions_run()

    action.refresh_from_db()
    assert action.status == "REVERSED"
    page = first.get(f"/admin/trading/corporateaction/{action.id}/change/").content.decode()
    assert "What it did" in page


@pytest.mark.parametrize("change", [{"ratio_new": "1"}, {"ex_date": "soon"}, {"symbol": "NONE"}])
def test_proposal_that_is_wrong_is_shown_again_and_nothing_is_kept(change: dict[str, str]) -> None:
    trade(make_portfolio(), "BUY", "1", "100", on="2020-01-02")
    client, _ = desk()

    assert client.post(PROPOSE, TERMS | change).status_code in {200, 404}

    assert not CorporateAction.objects.exists()


def test_auditor_reads_and_does_not_act() -> None:
    trade(make_portfolio(), "BUY", "1", "100", on="2020-01-02")
    (first, _), (auditor, _) = desk(), desk(Role.AUDITOR)
    first.post(PROPOSE, TERMS)
    action = CorporateAction.objects.get()

    assert auditor.get(f"/admin/trading/corporateaction/{action.id}/change/").status_code == 200
    assert auditor.get(PROPOSE).status_code == 403
    assert act(auditor, action, "confirm") == 403

    action.refresh_from_db()
    assert action.status == "PROPOSED"
