"""The demo's client: identified, approved by an officer, with money, by the commands people use."""

import io
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone
from PIL import Image, ImageDraw

from apps.audit.services import outbox_deliver
from apps.compliance.domain.self_certification import WORDING_VERSION
from apps.compliance.selectors.kyc import kyc_of
from apps.compliance.services.documents import document_upload
from apps.compliance.services.kyc import kyc_save_step, kyc_start, kyc_submit
from apps.compliance.services.kyc_decisions import kyc_propose_decision
from apps.compliance.services.self_certification import self_certification_sign
from apps.core.domain.money import Money
from apps.core.errors import Unavailable
from apps.portal.management.demo import People
from apps.trading.selectors.portfolios import portfolio_list
from apps.trading.services.cash import deposit_receive
from apps.trading.services.portfolios import portfolio_open
from apps.users.selectors import user_get

if TYPE_CHECKING:
    from apps.users.models import User

FIRST_DEPOSIT = Money.of("250000.00", "USD")
ANSWERS: dict[str, dict[str, Any]] = {
    "personal": {
        "given_names": "Hannelore",
        "family_name": "Brightwater",
        "date_of_birth": "1984-05-17",
        "birth_city": "Leeds",
        "birth_country": "GB",
        "nationality": "GB",
        "residence": "GB",
    },
    "contact": {
        "address_line_1": "12 Sample Street",
        "city": "London",
        "country": "GB",
        "phone": "+44 20 7946 0000",
    },
    "employment": {
        "employment": "EMPLOYED",
        "occupation": "Engineer",
        "employer": "Sample Works",
        "industry": "TECHNOLOGY",
        "pep": "NONE",
    },
    "financial": {
        "source_of_funds": ["SALARY", "SAVINGS"],
        "annual_income": "100K_250K",
        "net_worth": "250K_1M",
        "source_of_wealth": ["WORK", "INVESTMENTS"],
        "funds_country": "GB",
        "first_deposit": "250K_1M",
        "expected_activity": "5K_25K",
        "deposit_frequency": "MONTHLY",
        "expected_withdrawals": "UNDER_5K",
        "expected_trades": "5_50",
        "activity_currency": "USD",
        "purpose": "GROWTH",
    },
    "tax": {
        "tax_residence": "GB",
        "has_tin": True,
        "tin": "1955839661",
        "more_tax_residences": False,
        "us_person": False,
    },
    "markets": {"investment_experience": "EXPERIENCED"},
    "declarations": {
        "own_account": True,
        "accurate": True,
        "will_update": True,
        "checks_agreed": True,
    },
}


def seed_client(people: People) -> str:
    """Approve the client's identity and fund a portfolio, as far as that is not done yet."""
    client, officer = (user_get(UUID(person.user_id)) for person in people.people[:2])
    record = kyc_of(client.pk)
    if record is None or record.status == "DRAFT":
        _identify(client)
    if (status := _screened_status(client)) == "IN_REVIEW":
        _approve(client, officer)
    elif status != "APPROVED":
        return f"the client's identity check is {status}: left as it is"
    if portfolio_list(client):
        return "approved and funded before"
    portfolio = portfolio_open(actor=client, client=client, name="First portfolio")
    deposit_receive(
        actor=client,
        portfolio_id=portfolio.pk,
        amount=FIRST_DEPOSIT,
        idempotency_key="first-deposit",
    )
    return f"approved, {FIRST_DEPOSIT.amount} {FIRST_DEPOSIT.currency} deposited (simulated bank)"


def _identify(client: "User") -> None:
    kyc_start(actor=client)
    for step, answers in ANSWERS.items():
        kyc_save_step(actor=client, step=step, answers=answers)
    document_upload(
        actor=client,
        kind="PASSPORT",
        data=_specimen(),
        expiry_date=timezone.localdate() + timedelta(days=900),
    )
    self_certification_sign(actor=client, wording_version=WORDING_VERSION)
    kyc_submit(actor=client)


def _screened_status(client: "User") -> str:
    """Return the record's status after its events were delivered; no worker runs yet."""
    outbox_deliver(context="compliance")
    record = kyc_of(client.pk)
    if record is None:
        raise Unavailable("The client's identity check was not kept.")
    return str(record.status)


def _approve(client: "User", officer: "User") -> None:
    record = kyc_of(client.pk)
    if record is not None:
        kyc_propose_decision(
            actor=officer,
            record_id=record.pk,
            outcome="APPROVE",
            reason_code="VERIFIED",
            evidence_version=record.evidence_version,
        )


def _specimen() -> bytes:
    """Return a picture that says that it is no passport."""
    picture = Image.new("RGB", (640, 400), "#e8ecef")
    ImageDraw.Draw(picture).text((40, 180), "SPECIMEN - not a real document", fill="#203040")
    out = io.BytesIO()
    picture.save(out, "JPEG")
    return out.getvalue()
