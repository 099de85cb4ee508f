"""Payments that are held are compared with every newer list, and go on when nothing is left."""

from uuid import UUID

from apps.audit.services import emit
from apps.compliance.domain.matching import MATCHER_VERSION
from apps.compliance.events.payments import PaymentRescreened
from apps.compliance.models import Alert, KycRecord, PaymentResult, PaymentScreening
from apps.compliance.selectors.screening import versions_in_force
from apps.compliance.services.payments import alert_hits, is_hit, results_found
from apps.core.commands import command
from apps.infrastructure.failures import FailureTold
from apps.trading.selectors.cash import payment_get
from apps.trading.services.cash import transfer_release

Status = PaymentScreening.Status


def payments_rescreen() -> int:
    """Compare what is held with the lists in force, where that has not been; return how many."""
    held = PaymentScreening.objects.filter(status=Status.HELD)
    due = held.exclude(list_versions=versions_in_force(), matcher_version=MATCHER_VERSION)
    done = 0
    for screening_id in list(due.order_by("created_at", "id").values_list("id", flat=True)):
        with FailureTold(
            "RESCREENING_FAILED",
            subject=str(screening_id),
            message="A held payment could not be screened after a list change; it is tried again.",
        ):
            payment_rescreen(screening_id=screening_id)
            done += 1
    return done


@command
def payment_rescreen(*, screening_id: UUID) -> PaymentScreening:
    """Compare a held payment again.  New hits join its alert and withdraw what was proposed there.

    It goes on by itself when nothing is found any more, its payer is named, and no officer has
    proposed to close its alert; that stays, for an officer to close.
    """
    client_id = PaymentScreening.objects.values_list("client_id", flat=True).get(id=screening_id)
    # As when it was screened first: the client's record, then the payment.
    record = KycRecord.objects.select_for_update().filter(client_id=client_id).first()
    screening = PaymentScreening.objects.select_for_update().get(id=screening_id)
    if screening.status != Status.HELD or screening.alert_id is None:
        return screening
    alert = Alert.objects.locked(screening.alert_id)
    payment = payment_get(screening.transfer_id)
    screening.list_versions, screening.matcher_version = versions_in_force(), MATCHER_VERSION
    results = results_found(screening, payment, record.risk_rating if record else "")
    known = {*screening.results.values_list("entity_id", flat=True)}
    fresh = [one for one in results if one.entity_id not in known]
    PaymentResult.objects.bulk_create(fresh)
    hits = [one for one in results if is_hit(one)]
    if new_hits := [one for one in fresh if is_hit(one)]:
        alert_hits(screening, payment, new_hits)
    elif not hits and payment.party.name and alert.status == Alert.Status.OPEN:
        screening.status = Status.DELISTED
    screening.save(update_fields=["status", "list_versions", "matcher_version", "updated_at"])
    emit(
        PaymentRescreened(
            stream=screening.stream,
            transfer_id=str(screening.transfer_id),
            client_id=str(client_id),
            status=screening.status,
            list_versions=screening.list_versions,
            hit_count=len(hits),
            new_hit_count=len(new_hits),
        ),
        actor=None,
    )
    if screening.status == Status.DELISTED:
        transfer_release(transfer_id=screening.transfer_id)
    return screening
