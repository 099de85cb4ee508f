"""The broker's account against the ledger: differences are kept, shown and explained."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.audit.models import AuditEvent
from apps.core.errors import DomainError
from apps.trading.gates import check_live_money
from apps.trading.models import Portfolio, VenueAccount, VenueDifference
from apps.trading.services.reconciliation import (
    difference_explain,
    venue_differences_open,
    venue_reconcile,
)
from apps.trading.tasks import reconcile_venue, send_instructions, sync_venue
from apps.users.domain.roles import Role
from tests.trading.alpaca_server import AlpacaServer
from tests.trading.live import make_live_portfolio, place_and_send, place_live
from tests.users.factories import make_user
from tests.users.world import visitor

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def portfolio(broker: AlpacaServer) -> Portfolio:
    """Open a live portfolio of 10,000 whose broker agrees."""
    broker.cash = D(10000)
    return make_live_portfolio()


def differences() -> list[tuple[str, str, Decimal, Decimal, str]]:
    rows = VenueDifference.objects.order_by("kind", "asset", "created_at")
    return list(rows.values_list("kind", "asset", "ours", "theirs", "status"))


def told(status: str) -> int:
    name = "trading.venue.difference_changed"
    return AuditEvent.objects.filter(name=name, payload__status=status).count()


def test_account_that_agrees_has_no_differences(broker: AlpacaServer, portfolio: Portfolio) -> None:
    assert venue_reconcile() == []
    assert VenueAccount.objects.get().reconciled_at is not None


def test_fees_and_foreign_trades_differ_until_they_are_gone(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    order = place_and_send(portfolio)
    broker.fill(order.id, "10")
    broker.positions["MSFT"] = D(-3)

    found = venue_reconcile()

    # Our commission never left the broker's account.
    assert differences() == [
        ("CASH", "USD", D("8999.50"), D("9000"), "OPEN"),
        ("POSITION", "MSFT", D(0), D(-3), "OPEN"),
    ]
    assert found is not None
    assert len(found) == 2
    assert venue_differences_open.labels("POSITION")._value.get() == 1
    assert told("OPEN") == 2

    broker.positions.pop("MSFT")
    broker.cash -= D("0.50")
    venue_reconcile()

    assert [row[-1] for row in differences()] == ["CLEARED", "CLEARED"]
    assert venue_differences_open.labels("POSITION")._value.get() == 0


def test_difference_that_stays_is_one_and_another_amount_is_another(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    broker.cash = D(9999)
    venue_reconcile()
    venue_reconcile()
    assert len(differences()) == 1

    broker.cash = D(9998)
    venue_reconcile()

    assert [row[-1] for row in differences()] == ["CLEARED", "OPEN"]


def test_explanation_holds_for_its_figures_alone(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    operations = make_user(Role.OPERATIONS)
    broker.cash = D(9999)
    venue_reconcile()
    row = VenueDifference.objects.get()

    difference_explain(actor=operations, difference_id=row.id, reason="The broker's wire fee.")

    assert venue_reconcile() == []
    row.refresh_from_db()
    assert (row.status, row.explained_by_id, row.ours) == ("EXPLAINED", operations.id, D(10000))
    assert told("EXPLAINED") == 1
    broker.cash = D(9998)
    assert len(venue_reconcile() or []) == 1


@pytest.mark.parametrize(
    ("role", "reason", "code"),
    [
        (Role.AUDITOR, "I say so.", "not_permitted"),
        (Role.CLIENT, "I say so.", "not_permitted"),
        (Role.OPERATIONS, " ", "invalid_input"),
        (Role.OPERATIONS, "a\x00bc", "invalid_input"),
    ],
    ids=["auditor", "client", "no_reason", "nul"],
)
def test_explanation_without_right_or_reason_changes_nothing(
    broker: AlpacaServer, portfolio: Portfolio, role: Role, reason: str, code: str
) -> None:
    broker.cash = D(1)
    venue_reconcile()

    with pytest.raises(DomainError) as refused:
        difference_explain(
            actor=make_user(role),
            difference_id=VenueDifference.objects.get().id,
            reason=reason,
        )

    assert refused.value.code == code
    assert VenueDifference.objects.get().status == "OPEN"


def test_trade_that_is_not_booked_is_a_difference(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    body = {"symbol": "AAPL", "side": "buy", "qty": "1", "client_order_id": "by hand"}
    broker.act("POST", "/v2/orders", {}, body)
    broker.fill("by hand", "1")

    venue_reconcile()

    kinds = {(row[0], row[2], row[3]) for row in differences()}
    assert ("FILL", D(0), D(1)) in kinds
    assert ("POSITION", D(0), D(1)) in kinds
    assert AuditEvent.objects.filter(name="trading.venue.fill_held_back").count() == 1


def test_command_tells_by_its_exit_code(broker: AlpacaServer, portfolio: Portfolio) -> None:
    said = StringIO()
    call_command("venue_reconcile", stdout=said)
    assert "agree" in said.getvalue()

    broker.cash = D(1)
    with pytest.raises(CommandError) as differs:
        call_command("venue_reconcile", stdout=said)
    broker.faults.extend(["error_before"] * 10)
    with pytest.raises(CommandError) as unread:
        call_command("venue_reconcile", stdout=said)

    assert "CASH USD: ours 10000.00000000, theirs 1" in said.getvalue()
    assert (differs.value.returncode, unread.value.returncode) == (1, 2)


def test_commands_without_a_live_venue_say_so() -> None:
    for name in ("venue_reconcile", "venue_stream"):
        with pytest.raises(CommandError, match="ALPACA_URL"):
            call_command(name)


def test_tasks_survive_a_venue_that_is_down(broker: AlpacaServer, portfolio: Portfolio) -> None:
    order = place_live(portfolio)
    broker.faults.extend(["error_before"] * 10)

    send_instructions()
    sync_venue()
    reconcile_venue()

    assert order.instructions.get().status == "PENDING"
    assert not VenueDifference.objects.exists()


def test_operations_explain_on_the_desk_and_edit_nothing(
    broker: AlpacaServer, portfolio: Portfolio
) -> None:
    broker.cash = D(1)
    place_live(portfolio)
    venue_reconcile()
    row = VenueDifference.objects.get()
    client = visitor(make_user(Role.OPERATIONS, with_totp=True)).browser

    page = client.get("/admin/trading/venuedifference/")
    for name in ("venueinstruction", "venuefill", "venueaccount"):
        assert client.get(f"/admin/trading/{name}/").status_code == 200
    one = client.get(f"/admin/trading/venuedifference/{row.id}/change/")
    client.post(
        "/admin/trading/venuedifference/",
        {"action": "explain", "reason": "Wire fee.", "_selected_action": str(row.id)},
    )

    assert b"-9,999" in page.content
    assert b'name="_save"' not in one.content
    row.refresh_from_db()
    assert (row.status, row.explanation) == ("EXPLAINED", "Wire fee.")


def test_real_orders_are_not_paid_by_the_simulated_bank(settings: Settings) -> None:
    assert check_live_money() == []
    settings.ALPACA = {"account": "LIVE"}
    assert [error.id for error in check_live_money()] == ["trading.E001"]
