"""Screening's alerts: raised on hits, closed with the KYC decision on the same hits."""

from collections.abc import Sequence
from uuid import uuid5

from django.utils import timezone

from apps.audit.services import emit
from apps.compliance.domain.alerts import HITS_DECIDED, AlertTrigger
from apps.compliance.domain.matching import MATCHER_VERSION
from apps.compliance.events import AlertDecided, AlertProposed
from apps.compliance.models import (
    Alert,
    AlertNote,
    KycDecision,
    KycRecord,
    ScreeningHit,
    ScreeningResult,
)
from apps.compliance.selectors.hits import is_delisted
from apps.compliance.selectors.screening_alerts import (
    DELISTED,
    WATCHLIST,
    hits_outcome,
    screening_alert,
)
from apps.compliance.services.alerts import alert_identity, alert_raise
from apps.core.commands import command
from apps.users.models import User


@command
def screening_alert_close(*, decision: KycDecision) -> Alert | None:
    """Close the client's screening alert as its decided hits add up; None where there is no such.

    Four eyes: the KYC decision's proposer proposes and its second officer confirms.  Both decided
    on one evidence version, which every decision on a hit raises, so both saw what each hit is.
    An alert with an undecided hit stays open, and so does one when only one officer decided.  A
    proposal that stood on the alert gives way; whoever has the page open does not hold this up.
    """
    proposer, confirmer = decision.proposed_by, decision.confirmed_by
    found = screening_alert(decision.record.client_id)
    if found is None or confirmer is None:
        return None
    alert = Alert.objects.locked(found.id)
    outcome = hits_outcome(alert)
    if not outcome.disposition:
        return None
    now = timezone.now()
    if alert.status == Alert.Status.PROPOSED:
        alert.reopen(AlertTrigger.REJECT_PROPOSAL)
    note = _note(alert, decision, proposer)
    alert.propose(
        proposer,
        disposition=outcome.disposition,
        reason_code=HITS_DECIDED,
        note=note.text,
        at=now,
    )
    identity = alert_identity(alert)
    emit(
        AlertProposed(
            **identity,
            disposition=alert.disposition,
            reason_code=HITS_DECIDED,
            note_id=note.id,
        ),
        actor=proposer,
    )
    alert.confirm(confirmer, at=now)
    alert.save()
    emit(
        AlertDecided(
            **identity,
            disposition=alert.disposition,
            reason_code=HITS_DECIDED,
            proposed_by=str(proposer.pk),
            confirmed_by=str(confirmer.pk),
            references=list(alert.evidence.values_list("reference", flat=True)),
        ),
        actor=confirmer,
    )
    return alert


def _note(alert: Alert, decision: KycDecision, author: User) -> AlertNote:
    outcome = decision.get_outcome_display().lower()
    return AlertNote.objects.create(
        alert=alert,
        author=author,
        text=f"Each hit was decided on {decision.record}; the decision there was: {outcome}.",
    )


def hits_raise(record: KycRecord, hits: Sequence[ScreeningHit]) -> None:
    """Raise one alert for a client's new hits, or add them to the one that is open."""
    best = max(hits, key=lambda hit: hit.score)
    rows = ScreeningHit.objects.filter(id__in=[hit.id for hit in hits]).select_related("entity")
    compared = ScreeningResult.objects.get(
        run=best.run_id, entity=best.entity_id, party=best.party_id
    )
    alert_raise(
        client_id=record.client_id,
        kind="SCREENING",
        scenario_code=WATCHLIST,
        score=best.score,
        evidence=[
            {
                "reference": str(hit.id),
                "kind": "HIT",
                "list": hit.entity.list_code,
                "entry": hit.entity.uid,
                "listed_name": hit.listed_name,
                "programmes": list(hit.entity.programmes),
                "score": str(hit.score),
            }
            for hit in rows
        ],
        parameters={"threshold": str(compared.threshold), "matcher": MATCHER_VERSION},
        explanation=[
            {
                "name": feature["code"],
                "measured": feature["similarity"],
                "contribution": feature["contribution"],
            }
            for feature in best.features
        ],
    )


def delisted_raise(record: KycRecord) -> None:
    """Tell the officers of a true match whose entry left its list; only they may undo a freeze."""
    matches = ScreeningHit.objects.filter(record=record, status="TRUE_MATCH")
    for hit in matches.select_related("entity"):
        if not is_delisted(hit.entity):
            continue
        alert_raise(
            client_id=record.client_id,
            kind="SCREENING",
            scenario_code=DELISTED,
            score=hit.score,
            evidence=[
                {
                    "reference": str(uuid5(hit.id, DELISTED)),
                    "kind": DELISTED,
                    "list": hit.entity.list_code,
                    "entry": hit.entity.uid,
                    "listed_name": hit.listed_name,
                    "removed_in": str(hit.entity.removed_in),
                }
            ],
        )
