"""The client signs for their tax residence."""

from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.questionnaire import answers_missing
from apps.compliance.domain.self_certification import TAX_STEPS, WORDING_VERSION
from apps.compliance.events.own_kyc import KycTaxCertified
from apps.compliance.models import TaxSelfCertification
from apps.compliance.selectors.kyc import answers_of, merged, steps_of
from apps.compliance.selectors.self_certification import facts_digest, facts_of
from apps.compliance.services.kyc import editable_record
from apps.core.commands import command
from apps.core.errors import Conflict, Refused
from apps.users.models import User


@command
def self_certification_sign(*, actor: User, wording_version: str) -> TaxSelfCertification:
    """Sign the stated tax residences in the words of that version; again signs nothing anew.

    Whatever of it changes later ends the signature.  Raises Conflict `kyc_not_editable` and
    `wording_changed`, Refused `tax_incomplete`.
    """
    record = editable_record(actor)
    if wording_version != WORDING_VERSION:
        raise Conflict("The words have changed: read them again.", code="wording_changed")
    answers = answers_of(record.id)
    asked = [step for step in steps_of(record, answers) if step.code in TAX_STEPS]
    if any(answers_missing(step, answers.get(step.code, {})) for step in asked):
        raise Refused("Answer the questions about tax first.", code="tax_incomplete")
    facts = facts_of(record, merged(answers))
    digest = facts_digest(facts)
    last = record.certifications.first()
    if last and (last.digest, last.wording_version) == (digest, wording_version):
        return last
    signed = TaxSelfCertification.objects.create(
        record=record,
        number=last.number + 1 if last else 1,
        wording_version=wording_version,
        facts=facts,
        digest=digest,
        signed_by=actor,
        signed_at=timezone.now(),
    )
    record.evidence_version += 1
    record.save()
    emit(
        KycTaxCertified(
            stream=record.stream,
            record_id=str(record.id),
            client_id=str(actor.id),
            number=signed.number,
            wording_version=wording_version,
            evidence_version=record.evidence_version,
        ),
        actor=actor,
    )
    return signed
