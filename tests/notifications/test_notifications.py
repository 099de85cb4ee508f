"""People are told once, in plain words, and only of what is theirs."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core import mail

from apps.audit.services import emit, outbox_deliver
from apps.compliance.events import KycDecided
from apps.compliance.events.kyc import InformationReminded, InformationRequested
from apps.core.errors import InvalidInput, NotFound
from apps.notifications import tasks
from apps.notifications.domain.texts import TEXTS
from apps.notifications.models import Notification
from apps.notifications.selectors import notification_list, unread_count
from apps.notifications.services import messages as services
from apps.trading.events import CashDeposited, CashWithdrawn, OrderFilled, OrderRejected
from apps.users.events import SignInSucceeded
from apps.users.models import User
from tests.compliance.alert_factories import make_client
from tests.users.factories import api_client

pytestmark = pytest.mark.django_db
FORBIDDEN = ("hit", "match", "sanction", "alert", "suspicious", "report", "screen")


def send(user: User, event_id: UUID | None = None) -> Notification:
    return services.notification_send(
        user_id=user.pk,
        event_id=event_id or uuid4(),
        code="cash_deposited",
        facts={"amount": "10", "currency": "USD"},
    )


def decided(client: User, status: str) -> KycDecided:
    return KycDecided(
        stream=f"kyc-{uuid4()}",
        record_id=str(uuid4()),
        client_id=str(client.pk),
        decision_id=str(uuid4()),
        decision=status,
        reason_code="SANCTIONS_MATCH",
        risk_rating="HIGH",
        status=status,
        proposed_by=str(uuid4()),
        confirmed_by=str(uuid4()),
        evidence_version=1,
    )


def test_send_twice_for_one_event_tells_once() -> None:
    client, event_id = make_client(), uuid4()
    assert send(client, event_id) == send(client, event_id)
    assert unread_count(client) == 1


def test_send_with_an_unknown_text_or_missing_fact_tells_nobody() -> None:
    for code in ("odd", "cash_deposited"):
        with pytest.raises(InvalidInput):
            services.notification_send(
                user_id=make_client().pk, event_id=uuid4(), code=code, facts={}
            )
    assert not Notification.objects.exists()


def test_texts_never_say_that_a_hit_or_report_exists() -> None:
    words = " ".join(f"{title} {body}" for _, title, body in TEXTS.values()).lower().split()
    assert not set(words) & set(FORBIDDEN)


def test_mail_leaves_once() -> None:
    notification = send(make_client())
    tasks.send_mail(str(notification.id))
    tasks.send_mail(str(notification.id))
    (message,) = mail.outbox
    assert message.subject == "Money arrived"
    assert "We received 10 USD." in message.body


def test_read_keeps_the_first_time_and_refuses_what_is_not_yours() -> None:
    client = make_client()
    notification = send(client)
    with pytest.raises(NotFound):
        services.notification_read(actor=make_client(), notification_id=notification.id)
    assert unread_count(client) == 1

    first = services.notification_read(actor=client, notification_id=notification.id).read_at
    again = services.notification_read(actor=client, notification_id=notification.id).read_at
    assert first == again
    assert unread_count(client) == 0


def test_events_reach_the_client_in_plain_words() -> None:
    client = make_client()
    cash: dict[str, Any] = {
        "stream": "portfolio-1",
        "portfolio_id": str(uuid4()),
        "client_id": str(client.pk),
        "amount": "9100.50000000",
        "currency": "USD",
        "transfer_id": str(uuid4()),
    }
    order: dict[str, Any] = {
        "stream": "order-1",
        "order_id": str(uuid4()),
        "portfolio_id": str(uuid4()),
        "client_id": str(client.pk),
        "symbol": "AAPL",
        "side": "BUY",
    }
    emit(CashDeposited(**cash), actor=None)
    emit(CashWithdrawn(**cash), actor=None)
    emit(
        OrderFilled(
            **order,
            quantity="2.00000000",
            price="189.10000000",
            currency="USD",
            execution_id=str(uuid4()),
            fees="0",
            remaining="0",
        ),
        actor=None,
    )
    emit(OrderRejected(**order, filled="0", reason="halted"), actor=None)
    emit(
        SignInSucceeded(
            stream=f"user-{client.pk}", user_id=str(client.pk), channel="API", methods=["pwd"]
        ),
        actor=client,
    )
    for status in ("APPROVED", "REJECTED", "NEEDS_INFORMATION", "UNDER_REVIEW"):
        emit(decided(client, status), actor=None)
    asked: dict[str, Any] = {"items": ["DOCUMENT:PROOF_OF_ADDRESS"], "due_dates": ["2026-12-04"]}
    record: dict[str, Any] = {
        "stream": "kyc-1",
        "record_id": str(uuid4()),
        "client_id": str(client.pk),
    }
    emit(InformationRequested(**record, **asked), actor=None)
    emit(InformationReminded(**record, **asked), actor=None)

    outbox_deliver(context="notifications")
    outbox_deliver(context="notifications")

    bodies = {row.body_code: row.body for row in notification_list(client)}
    assert set(bodies) == {
        *("cash_deposited", "cash_withdrawn", "order_filled", "order_rejected", "signed_in"),
        *("kyc_approved", "kyc_rejected", "kyc_needs_information", "kyc_information_due"),
    }
    assert bodies["kyc_information_due"].endswith(": Proof of address (by 4 December 2026).")
    assert bodies["cash_deposited"] == "We received 9,100.50 USD."
    assert bodies["order_filled"] == "Bought 2 AAPL at 189.10 USD."
    assert "SANCTIONS" not in " ".join(bodies.values())


@pytest.mark.django_db(transaction=True)
def test_mail_whose_task_was_lost_is_found_by_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def lost(name: str, args: list[str]) -> None:
        asked.extend(args)
        raise ConnectionError

    monkeypatch.setattr("apps.notifications.services.messages.current_app.send_task", lost)
    notification = send(make_client())
    tasks.send_pending()
    assert asked == [str(notification.id)] * 2

    tasks.send_mail(str(notification.id))
    tasks.send_pending()
    assert len(asked) == 2


def test_api_lists_and_reads_what_is_yours_alone() -> None:
    client, other = make_client(), make_client()
    notification = send(client)
    address = f"/api/v1/notifications/{notification.id}/read"

    assert api_client(other).get("/api/v1/notifications").json()["results"] == []
    assert api_client(other).post(address).status_code == 404
    notification.refresh_from_db()
    assert notification.read_at is None

    mine = api_client(client)
    (row,) = mine.get("/api/v1/notifications").json()["results"]
    assert (row["id"], row["body"]) == (str(notification.id), "We received 10 USD.")
    assert mine.post(address).json()["read_at"] is not None
    assert mine.get("/api/v1/notifications?colour=red").status_code == 400
