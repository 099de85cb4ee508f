"""From an event in trading to an alert on the desk."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from apps.audit.services import emit, outbox_deliver
from apps.compliance.models import Alert, Movement, Scenario
from apps.compliance.services import alerts, monitoring
from apps.compliance.tasks import monitor_client, monitor_pending
from apps.core.errors import InvalidInput
from apps.trading.events import CashDeposited, CashWithdrawn
from apps.users.models import User
from tests.compliance.alert_factories import make_client, make_officer

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def moved(client: User, amount: str, hours: float = 0, **fields: Any) -> None:
    values: dict[str, Any] = {
        "event_id": uuid4(),
        "client_id": client.pk,
        "portfolio_id": uuid4(),
        "kind": "DEPOSIT",
        "amount": Decimal(amount),
        "currency": "USD",
        "occurred_at": START + timedelta(hours=hours),
        "reference": str(uuid4()),
    }
    monitoring.movement_record(**{**values, **fields})


def test_three_deposits_below_the_threshold_raise_one_alert_that_shows_why() -> None:
    client = make_client()
    for hour in range(3):
        moved(client, "9000", hour)

    monitor_client(str(client.pk))

    alert = Alert.objects.get()
    assert (alert.client, alert.scenario_code, alert.scenario_version) == (client, "STRUCTURING", 1)
    assert alert.parameters["minimum_amount"] == "8000"
    assert alert.explanation[0]["measured"] == "3"
    assert alert.evidence.count() == 3
    assert alert.window_start == START


def test_monitoring_again_raises_nothing_new_and_a_fourth_deposit_joins() -> None:
    client = make_client()
    for hour in range(3):
        moved(client, "9000", hour)
    monitor_client(str(client.pk))
    assert monitoring.client_monitor(client_id=client.pk) == []

    moved(client, "9500", 3)
    monitor_client(str(client.pk))

    assert Alert.objects.get().evidence.count() == 4


def test_closed_alert_does_not_come_back_for_the_same_movements() -> None:
    client = make_client()
    for hour in range(3):
        moved(client, "9000", hour)
    monitor_client(str(client.pk))
    alert = Alert.objects.get()
    alerts.alert_propose(
        actor=make_officer(),
        alert_id=alert.id,
        disposition="NOT_SUSPICIOUS",
        reason_code="ONE_OFF",
        note="Explained.",
    )
    alerts.alert_confirm(actor=make_officer(), alert_id=alert.id)

    moved(client, "10", 4)
    monitor_client(str(client.pk))

    assert Alert.objects.count() == 1


def test_money_in_and_out_raises_rapid_and_another_currency_does_not() -> None:
    client = make_client()
    moved(client, "20000")
    moved(client, "19000", 5, kind="WITHDRAWAL")
    moved(client, "20000", currency="JPY")
    moved(client, "19000", 5, kind="WITHDRAWAL", currency="JPY")

    monitor_client(str(client.pk))

    alert = Alert.objects.get()
    assert alert.scenario_code == "RAPID_IN_OUT"
    assert alert.evidence.count() == 2


def test_inactive_scenario_raises_nothing() -> None:
    Scenario.objects.update(is_active=False)
    client = make_client()
    for hour in range(3):
        moved(client, "9000", hour)
    monitor_client(str(client.pk))
    assert not Alert.objects.exists()


def test_scenario_with_parameters_out_of_bounds_leaves_the_movements_unmonitored() -> None:
    scenario = Scenario.objects.get(code="STRUCTURING")
    scenario.parameters["window_hours"] = "9999"
    scenario.save()
    client = make_client()
    moved(client, "9000")
    with pytest.raises(InvalidInput):
        monitor_client(str(client.pk))
    assert Movement.objects.filter(monitored_at=None).count() == 1


def test_events_of_trading_become_movements_once() -> None:
    client = make_client()
    portfolio, transfer = str(uuid4()), str(uuid4())
    facts: dict[str, Any] = {
        "stream": f"portfolio-{portfolio}",
        "portfolio_id": portfolio,
        "client_id": str(client.pk),
        "currency": "USD",
        "transfer_id": transfer,
    }
    emit(CashDeposited(amount="9000.50", **facts), actor=client)
    emit(CashWithdrawn(amount="100", **facts), actor=client)

    outbox_deliver(context="compliance")

    rows = Movement.objects.order_by("occurred_at")
    assert [(row.kind, row.amount) for row in rows] == [
        ("DEPOSIT", Decimal("9000.5")),
        ("WITHDRAWAL", Decimal(100)),
    ]
    assert rows[0].reference == transfer
    moved(client, "1", event_id=rows[0].event_id)
    assert Movement.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_movement_whose_task_was_lost_is_found_by_the_sweep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def lost(name: str, args: list[str]) -> None:
        asked.extend(args)
        raise ConnectionError

    monkeypatch.setattr("apps.compliance.services.monitoring.current_app.send_task", lost)
    client = make_client()
    moved(client, "9000")
    assert asked == [str(client.pk)]

    monitor_pending()
    assert asked == [str(client.pk)] * 2

    monitor_client(str(client.pk))
    monitor_pending()
    assert len(asked) == 2
