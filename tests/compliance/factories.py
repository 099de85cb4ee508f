"""Rows of compliance for tests."""

import io
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from PIL import Image

from apps.compliance.domain.alerts import REASONS, AlertKind
from apps.compliance.domain.information import AskedItem
from apps.compliance.domain.questionnaires import CATALOGUE, VERSION, steps_asked
from apps.compliance.domain.self_certification import WORDING_VERSION
from apps.compliance.models import InformationItem, KycRecord, ScreeningHit
from apps.compliance.selectors.due_diligence import diligence_left
from apps.compliance.selectors.kyc import merged
from apps.compliance.services.documents import document_upload
from apps.compliance.services.due_diligence import diligence_do
from apps.compliance.services.hits import hits_dispose
from apps.compliance.services.information import information_answer
from apps.compliance.services.kyc import kyc_choose_kind, kyc_save_step, kyc_submit
from apps.compliance.services.ownership import holding_save, party_save
from apps.compliance.services.self_certification import self_certification_sign
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.users.factories import make_user

ACTIVITY = {
    "funds_country": "GB",
    "first_deposit": "UNDER_25K",
    "expected_activity": "5K_25K",
    "deposit_frequency": "MONTHLY",
    "expected_withdrawals": "UNDER_5K",
    "expected_trades": "5_50",
    "activity_currency": "GBP",
    "purpose": "GROWTH",
}
ANSWERS: dict[str, dict[str, Any]] = {
    "personal": {
        "given_names": "Ada",
        "family_name": "Lovelace",
        "date_of_birth": "1985-12-10",
        "birth_city": "London",
        "birth_country": "GB",
        "nationality": "GB",
        "residence": "GB",
    },
    "contact": {
        "address_line_1": "12 St James's Square",
        "city": "London",
        "country": "GB",
        "phone": "+44 20 7946 0000",
    },
    "employment": {
        "employment": "EMPLOYED",
        "occupation": "Engineer",
        "employer": "Analytical Engines",
        "industry": "TECHNOLOGY",
        "pep": "NONE",
    },
    "financial": {
        "source_of_funds": ["SALARY"],
        "source_of_wealth": ["WORK"],
        "annual_income": "100K_250K",
        "net_worth": "250K_1M",
        **ACTIVITY,
    },
    "tax": {
        "tax_residence": "GB",
        "has_tin": True,
        "tin": "1955839661",
        "more_tax_residences": False,
        "us_person": False,
    },
    "markets": {"investment_experience": "BASIC"},
    "declarations": {
        "own_account": True,
        "accurate": True,
        "will_update": True,
        "checks_agreed": True,
    },
}


def put(rows: QuerySet[Any], **changes: Any) -> None:
    """Change rows past the triggers that keep their way, which is not the test's subject."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        rows.update(**changes)
        cursor.execute("SET session_replication_role = DEFAULT")


def put_kyc(record: KycRecord, status: str, **changes: Any) -> None:
    """Put a record into a state without its walk."""
    put(KycRecord.objects.filter(id=record.id), status=status, **changes)


def make_kyc(client: User, status: str = "APPROVED", risk_rating: str = "LOW") -> KycRecord:
    """Return the client's record in that state, as if its whole walk had happened."""
    return KycRecord.objects.create(client=client, status=status, risk_rating=risk_rating)


def image_bytes(kind: str = "JPEG", size: tuple[int, int] = (200, 200), **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **options)
    return out.getvalue()


def fill_kyc(client: User, **changes: Any) -> KycRecord:
    """Answer every step through the services and upload a passport; `changes` by field name."""
    told = merged(ANSWERS) | changes
    asked = {step.code for step in steps_asked("INDIVIDUAL", VERSION, told)}
    for step, answers in ANSWERS.items():
        if step not in asked:
            continue
        own = {name: value for name, value in changes.items() if name in _names(step)}
        kyc_save_step(actor=client, step=step, answers={**answers, **own})
    self_certification_sign(actor=client, wording_version=WORDING_VERSION)
    document_upload(
        actor=client,
        kind="PASSPORT",
        data=image_bytes(),
        expiry_date=timezone.localdate() + timedelta(days=900),
    )
    return KycRecord.objects.get(client=client)


ENTITY_ANSWERS: dict[str, dict[str, Any]] = {
    "entity": {
        "legal_name": "Analytical Engines Holding",
        "legal_form": "COMPANY",
        "incorporation_country": "GB",
        "registration_number": "01234567",
        "register_name": "Companies House",
        "incorporation_date": "1999-04-01",
    },
    "contact": {**ANSWERS["contact"], "business_country": "GB"},
    "business": {
        "business_activity": "Makes engines",
        "industry": "MANUFACTURING",
        "exemption": "NONE",
    },
    "financial": {
        **ACTIVITY,
        "source_of_funds": ["BUSINESS"],
        "source_of_wealth": ["BUSINESS"],
        "annual_turnover": "1M_10M",
        "net_assets": "1M_10M",
    },
    "tax": {
        **ANSWERS["tax"],
        "crs_type": "ACTIVE_NFE",
        "fatca_status": "ACTIVE_NFFE",
    },
    "declarations": {
        "authorised": True,
        "accurate": True,
        "will_update": True,
        "checks_agreed": True,
    },
}
PERSON: dict[str, Any] = {
    "given_names": "Grace",
    "family_name": "Hopper",
    "date_of_birth": "1976-12-09",
    "nationality": "GB",
    "residence": "GB",
    "pep": "NONE",
    "is_signatory": False,
}


def fill_entity(client: User, **owner: Any) -> KycRecord:
    """Answer for a company that one person owns and signs for, who is changed by `owner`."""
    kyc_choose_kind(actor=client, kind="ENTITY")
    for step, answers in ENTITY_ANSWERS.items():
        kyc_save_step(actor=client, step=step, answers=answers)
    party = {**PERSON, "is_signatory": True, "capacity": "Director", **owner}
    party_id = uuid4()
    party_save(actor=client, party_id=party_id, kind="PERSON", answers=party)
    holding_save(
        actor=client,
        holding_id=uuid4(),
        owner_id=party_id,
        owned_id=None,
        shares=Decimal(100),
        roles=["DIRECTOR"],
    )
    self_certification_sign(actor=client, wording_version=WORDING_VERSION)
    document_upload(
        actor=client,
        kind="PASSPORT",
        data=image_bytes(),
        expiry_date=timezone.localdate() + timedelta(days=900),
    )
    return KycRecord.objects.get(client=client)


ASKED = AskedItem("QUESTION", "ACCOUNT_PURPOSE", "ROUTINE", 10)


def hand_in(client: User) -> KycRecord:
    """Answer every question that was asked of the client, and hand in."""
    for item in InformationItem.objects.filter(record__client=client, status="OPEN"):
        information_answer(actor=client, item_id=item.id, answer="Savings")
    self_certification_sign(actor=client, wording_version=WORDING_VERSION)
    return kyc_submit(actor=client)


def diligence_complete(record: KycRecord, officer: User) -> KycRecord:
    """Do every item of the enhanced due diligence; another person, a supervisor, agrees."""
    supervisor = make_user(Role.COMPLIANCE_SUPERVISOR)
    for code in diligence_left(record):
        record.refresh_from_db()
        diligence_do(
            actor=supervisor if code == "SENIOR_APPROVAL" else officer,
            record_id=record.id,
            code=code,
            note="Seen",
            evidence_version=record.evidence_version,
        )
    record.refresh_from_db()
    return record


def _names(step: str) -> frozenset[str]:
    found = next(one for one in CATALOGUE["INDIVIDUAL"] if one.code == step)
    return frozenset(found.by_name)


def hit_decide(
    actor: User, hit: ScreeningHit, disposition: str = "FALSE_POSITIVE", **changes: Any
) -> list[ScreeningHit]:
    """Decide a hit on the evidence as it is now, for the first reason that fits."""
    reasons = REASONS[AlertKind.SCREENING].get(disposition, ("NAME_ONLY",))
    record = KycRecord.objects.get(id=hit.record_id)
    return hits_dispose(
        **{
            "actor": actor,
            "hit_ids": [hit.id],
            "disposition": disposition,
            "reason_code": reasons[0],
            "reason": "Other birth",
            "evidence_version": record.evidence_version,
            **changes,
        }
    )
