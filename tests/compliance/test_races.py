"""Officers who decide the same thing in the same moment: one of them does, the others hear why."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.audit.models import AuditEvent
from apps.compliance.models import HitDecision, KycDecision, KycRecord, ScreeningHit
from apps.compliance.services.kyc_decisions import kyc_confirm_decision
from apps.core.errors import DomainError
from apps.users.models import User
from tests.compliance.alert_factories import make_officer
from tests.compliance.factories import hit_decide
from tests.compliance.test_alerts import in_threads
from tests.compliance.test_services_screening import LISTED, propose, submitted, with_list
from tests.compliance.test_services_thresholds import suggest


def one_of(officers: list[User], decide: Callable[[User], Any]) -> set[str]:
    """Let all decide at once; fail unless one did; return the codes of the refusals."""
    results = in_threads(*(lambda officer=officer: decide(officer) for officer in officers))
    refused = [result for result in results if isinstance(result, DomainError)]
    assert len(refused) == len(officers) - 1, results
    return {error.code for error in refused}


def decided() -> int:
    return AuditEvent.objects.filter(name="compliance.kyc.decided").count()


@pytest.mark.django_db(transaction=True)
def test_officers_who_decide_at_once_decide_once() -> None:
    with_list()
    record = submitted(**LISTED)
    proposer, *others = (make_officer() for _ in range(4))
    hit = ScreeningHit.objects.get()
    read = record.evidence_version

    codes = one_of(others, lambda officer: hit_decide(officer, hit, evidence_version=read))
    assert codes <= {"stale_evidence", "hit_closed"}
    assert HitDecision.objects.count() == 1

    record.refresh_from_db()
    codes = one_of(others, lambda officer: propose(record, officer))
    assert codes == {"decision_pending"}
    made = KycDecision.objects.get()
    assert (made.status, decided()) == ("PROPOSED", 0)

    seconds = [proposer, *(one for one in others if one.pk != made.proposed_by_id)]
    version = record.evidence_version
    codes = one_of(
        seconds,
        lambda officer: kyc_confirm_decision(
            actor=officer, decision_id=made.id, evidence_version=version
        ),
    )
    assert codes <= {"illegal_transition", "decision_closed"}
    made.refresh_from_db()
    assert (made.status, decided()) == ("FINAL", 1)

    assert one_of(others, suggest) == {"threshold_proposed"}
    assert KycRecord.objects.get().status == "APPROVED"
