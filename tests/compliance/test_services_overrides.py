"""Another rating than the computed one: by two officers, on what they read, until outgrown."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.compliance.models import KycRecord, RatingOverride
from apps.compliance.services.kyc import kyc_save_step
from apps.compliance.services.overrides import (
    override_confirm,
    override_decline,
    override_propose,
)
from apps.compliance.services.reviews import reviews_open
from apps.core.errors import (
    Conflict,
    DomainError,
    IllegalTransition,
    InvalidInput,
    NotPermitted,
    Refused,
)
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.compliance.factories import ANSWERS
from tests.compliance.test_services_screening import propose, submitted
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer() -> User:
    return make_user(Role.COMPLIANCE_OFFICER)


@pytest.fixture
def second() -> User:
    return make_user(Role.COMPLIANCE_OFFICER)


@pytest.fixture
def record() -> KycRecord:
    return submitted()


def override(record: KycRecord, actor: User, **changes: Any) -> RatingOverride:
    return override_propose(
        **{
            "actor": actor,
            "record_id": record.id,
            "rating": "MEDIUM",
            "reason_code": "CONDUCT",
            "note": "Known to pay late",
            "inputs_hash": record.risk_inputs_hash,
            "evidence_version": record.evidence_version,
            **changes,
        }
    )


def confirm(proposal: RatingOverride, actor: User, **changes: Any) -> RatingOverride:
    asked = {"rating": proposal.rating, "evidence_version": proposal.evidence_version}
    return override_confirm(actor=actor, override_id=proposal.id, **{**asked, **changes})


def stored(record: KycRecord) -> tuple[str, str]:
    record.refresh_from_db()
    return record.computed_rating, record.risk_rating


def test_override_takes_two_officers_and_ends_at_the_next_review(
    record: KycRecord, officer: User, second: User
) -> None:
    proposal = override(record, officer)
    assert stored(record) == ("LOW", "LOW")

    confirm(proposal, second)

    assert stored(record) == ("LOW", "MEDIUM")
    assert "late" not in str(list(AuditEvent.objects.values_list("payload", flat=True)))
    propose(record, officer)
    record.refresh_from_db()
    assert record.next_review_date is not None
    assert record.next_review_date.year == timezone.localdate().year + 2
    KycRecord.objects.update(next_review_date=timezone.localdate())
    reviews_open()
    assert stored(record) == ("LOW", "LOW")
    proposal.refresh_from_db()
    assert (proposal.status, proposal.end_reason) == ("ENDED", "REVIEW")


def test_client_is_not_approved_while_another_rating_is_proposed(
    record: KycRecord, officer: User, second: User
) -> None:
    proposal = override(record, officer)

    with pytest.raises(Conflict) as refusal:
        propose(record, second)

    assert refusal.value.code == "override_proposed"
    override_decline(actor=second, override_id=proposal.id)
    assert propose(record, second).status == "FINAL"


def test_override_that_the_computed_rating_outgrew_ends(
    record: KycRecord, officer: User, second: User
) -> None:
    confirm(override(record, officer), second)
    record.refresh_from_db()
    propose(record, officer)

    kyc_save_step(
        actor=record.client,
        step="employment",
        answers={**ANSWERS["employment"], "pep": "SELF", "pep_function": "Judge"},
    )

    assert stored(record) == ("HIGH", "HIGH")
    assert RatingOverride.objects.get().status == "ENDED"


def test_override_by_the_proposer_or_the_client_or_of_other_terms_is_refused_everywhere(
    record: KycRecord, officer: User, second: User
) -> None:
    proposal = override(record, officer)
    with pytest.raises(NotPermitted):
        confirm(proposal, officer)
    with pytest.raises(NotPermitted):
        confirm(proposal, record.client)
    with pytest.raises(Conflict) as other:
        confirm(proposal, second, rating="HIGH")
    assert other.value.code == "other_payload"
    with pytest.raises(Conflict):
        override(record, second)
    now = {"decided_at": timezone.now()}
    for change in (
        {"status": "ACTIVE"},
        {"status": "ACTIVE", "decided_by": officer, **now},
        {"status": "ACTIVE", "decided_by": record.client, **now},
        {"status": "ACTIVE", "decided_by": second, "rating": "HIGH", **now},
        {"status": "ENDED", "decided_by": second, **now},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            RatingOverride.objects.filter(id=proposal.id).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        KycRecord.objects.filter(id=record.id).update(risk_rating="MEDIUM")
    assert stored(record) == ("LOW", "LOW")

    override_decline(actor=officer, override_id=proposal.id)
    with pytest.raises(Conflict):
        confirm(proposal, second)


def test_override_on_inputs_that_changed_is_refused_everywhere(
    record: KycRecord, officer: User, second: User
) -> None:
    proposal = override(record, officer)
    for change in ({"evidence_version": 99}, {"risk_inputs_hash": "0" * 64}):
        with transaction.atomic():
            KycRecord.objects.filter(id=record.id).update(**change)
            with pytest.raises(Conflict) as refusal:
                confirm(proposal, second)
            assert refusal.value.code == "stale_evidence"
            with pytest.raises(IntegrityError), transaction.atomic():
                RatingOverride.objects.filter(id=proposal.id).update(
                    status="ACTIVE", decided_by=second, decided_at=timezone.now()
                )
            transaction.set_rollback(True)
    override_decline(actor=second, override_id=proposal.id)
    with pytest.raises(Conflict):
        override(record, officer, inputs_hash="0" * 64)
    with pytest.raises(IntegrityError), transaction.atomic():
        RatingOverride.objects.create(
            record=record,
            rating="HIGH",
            computed_rating="LOW",
            inputs_hash="0" * 64,
            evidence_version=record.evidence_version,
            reason_code="CONDUCT",
            note="x",
            proposed_by=officer,
        )
    assert stored(record) == ("LOW", "LOW")


def test_override_that_makes_no_sense_is_refused_and_changes_nothing(
    record: KycRecord, officer: User
) -> None:
    refused: tuple[tuple[dict[str, Any], type[DomainError]], ...] = (
        ({"rating": "LOW"}, Refused),
        ({"rating": "PROHIBITED"}, InvalidInput),
        ({"reason_code": "WHIM"}, InvalidInput),
        ({"note": " "}, InvalidInput),
        ({"actor": make_user()}, NotPermitted),
    )
    for changes, error in refused:
        with pytest.raises(error):
            override(record, **({"actor": officer} | changes))
    propose(record, officer)
    with pytest.raises(IllegalTransition):
        override(record, officer)
    assert not RatingOverride.objects.exists()
