"""What makes a client who was approved be looked at again."""

from uuid import UUID

from apps.compliance.domain.kyc import CLEARED, RiskRating
from apps.compliance.domain.reviews import ReviewReason
from apps.compliance.models import KycRecord, ScreeningHit
from apps.compliance.services.reviews import record_suspend, review_begin
from apps.compliance.services.screening import record_rate
from apps.core.commands import command
from apps.users.models import User


def client_changed(
    record: KycRecord, *, actor: User, reason: ReviewReason = ReviewReason.CLIENT_CHANGE
) -> None:
    """Rate a locked record anew after its client changed something, and have that looked at.

    Nothing before the first approval.  A rating that may do no business stops it at once.
    """
    if record.status not in CLEARED:
        return
    review_begin(record, reason, actor=actor)
    record_rate(record)
    record.save()
    if record.risk_rating == RiskRating.PROHIBITED:
        record_suspend(record, "RISK_PROHIBITED", actor=actor)


@command
def client_review(*, client_id: UUID, reason: ReviewReason) -> bool:
    """Have a client looked at again; return whether that is new.  Nothing without a record."""
    found = KycRecord.objects.of(client_id).first()
    return found is not None and review_begin(KycRecord.objects.locked(found.id), reason)


def match_spread(*, hit_id: UUID) -> int:
    """Have every other client looked at whom the list entry of a true match also resembled.

    Return how many.
    """
    hit = ScreeningHit.objects.select_related("entity").get(id=hit_id)
    alike = ScreeningHit.objects.filter(
        entity__list_code=hit.entity.list_code, entity__uid=hit.entity.uid
    )
    alike = alike.exclude(record_id=hit.record_id).exclude(status=ScreeningHit.Status.SUPERSEDED)
    clients = alike.order_by("record__client_id").values_list("record__client_id", flat=True)
    return sum(
        client_review(client_id=client_id, reason=ReviewReason.TRUE_MATCH_ELSEWHERE)
        for client_id in list(clients.distinct())
    )
