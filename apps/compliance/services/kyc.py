"""The client's part of KYC: begin, answer, submit."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.kyc import (
    CLEARED,
    EDITABLE,
    IDENTITY_KINDS,
    UPDATABLE,
    KycTrigger,
    client_status,
)
from apps.compliance.domain.masking import MASKED_QUESTIONS, answers_unmasked
from apps.compliance.domain.questionnaire import Step, answers_clean, answers_missing
from apps.compliance.domain.questionnaires import STEP_CODES, VERSION, ClientKind
from apps.compliance.events import KycAnswerRevealed, KycStarted, KycStepSaved, KycSubmitted
from apps.compliance.events.own_kyc import KycKindChosen
from apps.compliance.models import KycRecord, KycStep
from apps.compliance.selectors.kyc import answers_left, answers_of, steps_of
from apps.compliance.selectors.ownership import ownership_view, parties_answers
from apps.compliance.selectors.self_certification import certification_of
from apps.compliance.services.information import check_all_answered, step_answered
from apps.compliance.services.review_triggers import client_changed
from apps.core.commands import command
from apps.core.errors import Conflict, InvalidInput, NotFound, Refused
from apps.users.models import User


@command
def kyc_start(*, actor: User) -> KycRecord:
    """Return the actor's own record, begun now if there was none."""
    record, created = KycRecord.objects.get_or_create(client=actor)
    if created:
        event = KycStarted(stream=record.stream, record_id=str(record.id), client_id=str(actor.id))
        emit(event, actor=actor)
    return record


@command
def kyc_choose_kind(*, actor: User, kind: str) -> KycRecord:
    """Say whether the account is the actor's own or that of an entity they act for.

    Answers that the other kind is not asked go.  Raises Conflict `kyc_kind_fixed` once the record
    was handed in.
    """
    if kind not in set(ClientKind):
        raise InvalidInput("There is no such kind of client.", field="kind")
    record = editable_record(actor)
    if record.kind == kind:
        return record
    if record.submitted_at is not None:
        raise Conflict("This cannot be changed any more.", code="kyc_kind_fixed")
    record.kind = ClientKind(kind)
    now = timezone.now()
    record.steps.exclude(step="contact").delete()
    record.holdings.filter(removed_at=None).update(removed_at=now)
    record.parties.filter(removed_at=None).update(removed_at=now)
    record.evidence_version += 1
    record.save()
    event = KycKindChosen(
        stream=record.stream,
        record_id=str(record.id),
        client_id=str(actor.id),
        kind=record.kind,
        evidence_version=record.evidence_version,
    )
    emit(event, actor=actor)
    return record


@command
def kyc_save_step(*, actor: User, step: str, answers: Mapping[str, Any]) -> KycRecord:
    """Keep the answers to one step of the actor's record; a half-filled step is kept too.

    A masked answer that comes back as it was shown stays as it is kept.  Raises InvalidInput
    (InvalidAnswers by field), Conflict `kyc_not_editable` and `step_not_asked`.
    """
    if step not in STEP_CODES:
        raise InvalidInput("There is no such step.", field="step")
    record = editable_record(actor)
    asked = _asked(record, step)
    row, _ = KycStep.objects.get_or_create(record=record, step=step, defaults={"answers": "{}"})
    kept = json.loads(row.answers)
    given = answers_unmasked(answers, kept)
    clean = answers_clean(asked, given, today=timezone.localdate(), is_entity=record.is_entity)
    changed = sorted(name for name in {*kept, *clean} if kept.get(name) != clean.get(name))
    missing = answers_missing(asked, clean)
    if missing and record.status in CLEARED:
        raise Refused(
            "Answer everything: you are our client.",
            code="kyc_incomplete",
            **{step: ", ".join(missing)},
        )
    if not missing:
        step_answered(record, step, actor)
    if not changed:
        return record
    row.answers = json.dumps(clean, ensure_ascii=False, sort_keys=True)
    row.version += 1
    row.save()
    record.evidence_version += 1
    record.save()
    emit(
        KycStepSaved(
            stream=record.stream,
            record_id=str(record.id),
            client_id=str(actor.id),
            step=step,
            changed_fields=changed,
            evidence_version=record.evidence_version,
        ),
        actor=actor,
    )
    client_changed(record, actor=actor)
    return record


@command
def kyc_reveal_answer(*, actor: User, record_id: UUID, step: str, question: str) -> str:
    """Return a masked answer in full; who asked is kept in the audit trail.

    For the client whose it is and for officers; raises NotFound for everybody else, and where
    there is no such masked answer.
    """
    record = KycRecord.objects.filter(id=record_id).first()
    if record is None or not (
        record.client_id == actor.id or actor.has_perm("compliance.view_kycdocument")
    ):
        raise NotFound("There is no such answer.")
    party = parties_answers(record.id).get(step)
    answers = party or answers_of(record.id).get(step, {})
    if question not in answers or question not in MASKED_QUESTIONS:
        raise NotFound("There is no such answer.")
    emit(
        KycAnswerRevealed(
            stream=record.stream,
            record_id=str(record.id),
            client_id=str(record.client_id),
            question=question,
        ),
        actor=actor,
    )
    return str(answers[question])


@command
def kyc_submit(*, actor: User) -> KycRecord:
    """Hand the record in; screening follows after commit.

    Raises NotFound without a record, Conflict `kyc_not_editable`, Refused `kyc_incomplete` (facts:
    step by step what is missing), `kyc_ownership_incomplete`, `self_certification_missing`,
    `kyc_document_missing` and `information_missing`.
    """
    if not KycRecord.objects.of(actor.id).exists():
        raise NotFound("You have not begun your identity check.")
    record = editable_record(actor)
    if record.status not in EDITABLE:
        raise _not_editable(record)
    missing = answers_left(record)
    if missing:
        raise Refused("Some questions still need an answer.", code="kyc_incomplete", **missing)
    if record.is_entity and (gaps := ownership_view(record).gaps):
        raise Refused(
            "Owners and controllers are not complete.",
            code="kyc_ownership_incomplete",
            gaps=" ".join(gaps),
        )
    if not certification_of(record).is_in_force:
        raise Refused("Sign for your tax residence.", code="self_certification_missing")
    today = timezone.localdate()
    documents = record.documents.filter(kind__in=IDENTITY_KINDS)
    if not documents.exclude(expiry_date__lt=today).exists():
        raise Refused(
            "Upload a valid passport, identity card or driving licence.",
            code="kyc_document_missing",
        )
    check_all_answered(record)
    record.move(KycTrigger.SUBMIT)
    record.questionnaire_version = VERSION
    record.submitted_at = timezone.now()
    record.save()
    emit(
        KycSubmitted(
            stream=record.stream,
            record_id=str(record.id),
            client_id=str(actor.id),
            evidence_version=record.evidence_version,
            questionnaire_version=record.questionnaire_version,
        ),
        actor=actor,
    )
    return record


def editable_record(actor: User) -> KycRecord:
    """Return the actor's own record, locked; raises Conflict when it may not change now."""
    record = KycRecord.objects.locked(kyc_start(actor=actor).id)
    check_editable(record)
    return record


def check_editable(record: KycRecord) -> None:
    """Raise Conflict when the client may not change the record now."""
    if record.status not in UPDATABLE:
        raise _not_editable(record)


def _not_editable(record: KycRecord) -> Conflict:
    return Conflict(
        "Your identity check is with us and cannot be changed now.",
        code="kyc_not_editable",
        status=client_status(record.status),
    )


def _asked(record: KycRecord, code: str) -> Step:
    step = next((one for one in steps_of(record) if one.code == code), None)
    if step is None:
        raise Conflict("You are not asked this.", code="step_not_asked", step=code)
    return step
