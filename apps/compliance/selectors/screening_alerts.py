"""What a screening alert and its hits say of each other.

One rule joins them: an alert may not contradict its hits.  While hits are undecided the alert may
be decided on its own page, and the hits follow.  Once each hit is decided the alert takes only
what they add up to, and the KYC decision, which two officers take then, closes it.
"""

from dataclasses import dataclass
from uuid import UUID

from apps.compliance.domain.alerts import HITS_DECIDED, AlertKind
from apps.compliance.models import Alert, ScreeningHit
from apps.core.errors import Refused

WATCHLIST = "WATCHLIST"
# The entry of a true match left its list.
DELISTED = "DELISTED"
# A payer or payee who is not the client may be listed; `dedup_key` is the transfer.
PAYMENT = "PAYMENT"
# The most serious first: one true match among many makes a true match.
SEVERITY = ("TRUE_MATCH", "INCONCLUSIVE", "FALSE_POSITIVE")


@dataclass(frozen=True, slots=True)
class HitsOutcome:
    """`disposition` is what the hits add up to; empty while one is undecided, or there are none."""

    total: int
    undecided: int
    disposition: str


def screening_alert(client_id: UUID) -> Alert | None:
    """Return the client's watchlist alert that is not closed, if there is one."""
    rows = Alert.objects.filter(client_id=client_id, scenario_code=WATCHLIST)
    return rows.open().first()


def alert_hits(alert: Alert) -> list[ScreeningHit]:
    """Return the hits that are the alert's evidence, best first; none for another kind."""
    if alert.kind != AlertKind.SCREENING:
        return []
    references = alert.evidence.filter(kind="HIT").values_list("reference", flat=True)
    rows = ScreeningHit.objects.filter(id__in=[UUID(reference) for reference in references])
    return list(rows.select_related("entity", "disposed_by"))


def hits_outcome(alert: Alert) -> HitsOutcome:
    """Return how far the alert's hits are decided, and to what."""
    statuses = [str(hit.status) for hit in alert_hits(alert)]
    undecided = statuses.count("OPEN")
    disposition = ""
    if statuses and not undecided:
        # A superseded hit is gone: the client's answers or the list do not give it any more.
        disposition = next((item for item in SEVERITY if item in statuses), "FALSE_POSITIVE")
    return HitsOutcome(len(statuses), undecided, disposition)


def check_follows_hits(alert: Alert, disposition: str, reason_code: str) -> None:
    """Raise Refused `hits_undecided` or `hits_contradicted` if the hits do not carry this.

    `payment_undecided`: a payment is let go or blocked; it cannot be neither.
    """
    if alert.scenario_code == PAYMENT and disposition == "INCONCLUSIVE":
        raise Refused(
            "The payment waits: ask for what is missing in a note, and decide then.",
            code="payment_undecided",
        )
    outcome = hits_outcome(alert)
    if outcome.disposition and disposition != outcome.disposition:
        raise Refused(
            "Each hit is decided, and they add up to something else.",
            code="hits_contradicted",
            limit=outcome.disposition,
            measured=disposition,
        )
    if reason_code == HITS_DECIDED and not outcome.disposition:
        raise Refused(
            "Not every hit is decided.",
            code="hits_undecided",
            limit="0",
            measured=str(outcome.undecided),
        )
