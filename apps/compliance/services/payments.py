"""Payers and payees who are not the client: compared with the lists, held on a hit, decided."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from apps.audit.services import emit
from apps.compliance.domain.matching import MATCHER_VERSION, Subject
from apps.compliance.domain.search_terms import KINDS
from apps.compliance.events.payments import PaymentDecided, PaymentScreened
from apps.compliance.models import Alert, KycRecord, PaymentResult, PaymentScreening
from apps.compliance.selectors.screening import candidates_of, versions_in_force
from apps.compliance.selectors.screening_alerts import PAYMENT
from apps.compliance.services.alerts import alert_raise
from apps.compliance.services.cases import case_open
from apps.compliance.services.screening import Pair, pair_digest, pairs_scored
from apps.core.commands import command
from apps.trading.selectors.cash import Payment, payment_get
from apps.trading.services.cash import transfer_release
from apps.users.models import User

Status = PaymentScreening.Status
DECIDED_AS = {"TRUE_MATCH": Status.BLOCKED, "FALSE_POSITIVE": Status.RELEASED}


@command
def payment_screen(*, transfer_id: UUID) -> PaymentScreening | None:
    """Compare the other side of a held payment with the lists; let it go on, or raise an alert.

    The name alone is compared, as every kind of entry: where somebody keeps an account says nothing
    of who they are.  A pair that officers cleared does not come back while neither side changed; a
    payer whom the bank does not name is for an officer too.  Once a payment; None where it is not
    held.
    """
    payment = payment_get(transfer_id)
    # One screening a payment: the client's record is the lock that both attempts meet at.
    record = KycRecord.objects.select_for_update().filter(client_id=payment.client_id).first()
    known = PaymentScreening.objects.filter(transfer_id=transfer_id).first()
    if known is not None or not payment.is_held:
        return known
    screening = PaymentScreening(
        transfer_id=transfer_id,
        client_id=payment.client_id,
        party=asdict(payment.party),
        list_versions=versions_in_force(),
        matcher_version=MATCHER_VERSION,
        status=Status.CLEAR,
    )
    results = results_found(screening, payment, record.risk_rating if record else "")
    hits = [one for one in results if is_hit(one)]
    if hits or not payment.party.name:
        screening.alert, screening.status = alert_hits(screening, payment, hits), Status.HELD
    screening.save(force_insert=True)
    PaymentResult.objects.bulk_create(results)
    emit(
        PaymentScreened(
            stream=screening.stream,
            transfer_id=str(transfer_id),
            client_id=str(payment.client_id),
            status=screening.status,
            hit_count=len(hits),
        ),
        actor=None,
    )
    if screening.status == Status.CLEAR:
        transfer_release(transfer_id=transfer_id)
    return screening


@command
def payment_decide(*, actor: User, alert_id: UUID, disposition: str) -> PaymentScreening | None:
    """Carry over what two officers decided on a payment's alert; None where it was carried before.

    No match: the money goes on.  A true match: it stays where it is, and a case is opened.
    """
    rows = PaymentScreening.objects.select_for_update().filter(alert_id=alert_id)
    screening = rows.filter(status=Status.HELD).first()
    if screening is None:
        return None
    screening.status = DECIDED_AS[disposition]
    screening.save(update_fields=["status", "updated_at"])
    emit(
        PaymentDecided(
            stream=screening.stream,
            transfer_id=str(screening.transfer_id),
            client_id=str(screening.client_id),
            status=screening.status,
            alert_id=str(alert_id),
        ),
        actor=actor,
    )
    if screening.status == Status.RELEASED:
        transfer_release(transfer_id=screening.transfer_id)
    else:
        case_open(actor=actor, client_id=screening.client_id, origin=screening.stream)
    return screening


def _pairs(payment: Payment, risk_class: str) -> Iterable[Pair]:
    if payment.party.name:
        for kind in KINDS:
            subject = Subject(kind=kind, names=(payment.party.name,))
            yield from pairs_scored(subject, candidates_of(subject), risk_class)


def is_hit(result: PaymentResult) -> bool:
    return result.score >= result.threshold and not result.is_known


def results_found(
    screening: PaymentScreening, payment: Payment, risk_class: str
) -> list[PaymentResult]:
    """Return what the lists in force give for the other side, not saved yet."""
    pairs = list(_pairs(payment, risk_class))
    compared = [str(payment.client_id), asdict(payment.party)]
    digests = {pair.candidate.entity_id: pair_digest(compared, pair.candidate) for pair in pairs}
    released = PaymentResult.objects.filter(
        pair_hash__in=digests.values(), screening__status=Status.RELEASED
    )
    known = {*released.values_list("pair_hash", flat=True)}
    return [
        PaymentResult(
            screening=screening,
            entity_id=pair.candidate.entity_id,
            pair_hash=digests[pair.candidate.entity_id],
            score=pair.match.score,
            threshold=pair.threshold,
            is_known=digests[pair.candidate.entity_id] in known,
            listed_name=pair.match.listed_name,
            features=[feature.as_json() for feature in pair.match.features],
        )
        for pair in pairs
    ]


def alert_hits(
    screening: PaymentScreening, payment: Payment, hits: Sequence[PaymentResult]
) -> Alert:
    """Raise the payment's alert, or add the hits to it."""
    best = max(hits, key=lambda hit: hit.score, default=None)
    party = payment.party
    facts = {
        "direction": payment.kind,
        "amount": f"{payment.amount.normalize():f}",
        "currency": payment.currency,
        "other_side": party.name or "not named by the bank",
        "account": party.masked_account,
        "country": party.country,
    }
    return alert_raise(
        client_id=payment.client_id,
        kind="SCREENING",
        scenario_code=PAYMENT,
        dedup_key=str(payment.transfer_id),
        score=best.score if best else Decimal(0),
        evidence=[
            {"reference": str(payment.transfer_id), "kind": PAYMENT, **facts},
            *(_evidence(screening, hit) for hit in hits),
        ],
        parameters={"matcher": MATCHER_VERSION},
        explanation=[
            {
                "name": feature["code"],
                "measured": feature["similarity"],
                "contribution": feature["contribution"],
            }
            for feature in (best.features if best else ())
        ],
    )


def _evidence(screening: PaymentScreening, hit: PaymentResult) -> dict[str, Any]:
    return {
        "reference": str(uuid5(screening.transfer_id, str(hit.entity_id))),
        "kind": "PAYMENT_HIT",
        "list": hit.entity.list_code,
        "entry": hit.entity.uid,
        "listed_name": hit.listed_name,
        "programmes": list(hit.entity.programmes),
        "score": str(hit.score),
        "threshold": str(hit.threshold),
    }
