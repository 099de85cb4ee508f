"""What officers say of hits: once, on what they read, and a true match stops everything at once."""

import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from apps.audit.services import outbox_deliver
from apps.compliance.gates import check_client_cleared
from apps.compliance.models import (
    Case,
    HitDecision,
    KycRecord,
    ScreeningHit,
    ScreeningResult,
    WorkItem,
)
from apps.compliance.selectors.hits import hits_shown
from apps.compliance.services.kyc import kyc_save_step
from apps.compliance.services.rescreening import clients_rescreen
from apps.compliance.services.watchlists import SAMPLE, watchlist_import
from apps.core.errors import Conflict, DomainError, InvalidInput, NotFound, NotPermitted, Refused
from apps.trading.models import Order
from apps.users.models import User
from tests.compliance.alert_factories import make_officer
from tests.compliance.factories import ANSWERS, hand_in, hit_decide
from tests.compliance.test_services_screening import LISTED, propose, submitted, with_list
from tests.trading.factories import make_market, make_portfolio, place_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer() -> User:
    return make_officer()


@pytest.fixture
def record() -> KycRecord:
    with_list()
    return submitted(**LISTED)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"disposition": "MAYBE"}, InvalidInput),
        ({"reason": "  "}, InvalidInput),
        ({"reason": "x\x00"}, InvalidInput),
        ({"reason_code": "CLIENT_CONFIRMED"}, Refused),
        ({"hit_ids": [uuid4()]}, NotFound),
        ({"evidence_version": 0}, Conflict),
    ],
    ids=["disposition", "blank", "nul", "reason", "absent", "stale"],
)
def test_hit_with_bad_input_or_stale_evidence_stays_undecided(
    record: KycRecord, officer: User, changes: dict[str, Any], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        hit_decide(officer, ScreeningHit.objects.get(), **changes)

    assert ScreeningHit.objects.get().status == "OPEN"
    assert not HitDecision.objects.exists()


def test_hit_is_decided_once_and_never_by_who_may_not(record: KycRecord, officer: User) -> None:
    hit = ScreeningHit.objects.get()
    with pytest.raises(NotPermitted):
        hit_decide(record.client, hit)

    hit_decide(officer, hit)

    for again in (officer, make_officer()):
        with pytest.raises(Conflict) as refusal:
            hit_decide(again, hit)
        assert refusal.value.code == "hit_closed"
    assert HitDecision.objects.get().reason_code == "DIFFERENT_BIRTH_DATE"


def test_database_refuses_a_second_a_stale_and_a_changed_decision(
    record: KycRecord, officer: User
) -> None:
    hit = ScreeningHit.objects.get()
    row: dict[str, Any] = {
        "hit": hit,
        "disposition": "FALSE_POSITIVE",
        "reason_code": "NAME_ONLY",
        "narrative": "x",
        "evidence_version": record.evidence_version,
        "decided_by": officer,
    }
    for changes in ({"evidence_version": 0}, {"decided_by": record.client}):
        with pytest.raises(IntegrityError), transaction.atomic():
            HitDecision.objects.create(**{**row, **changes})
    hit_decide(officer, hit)

    record.refresh_from_db()
    with pytest.raises(IntegrityError), transaction.atomic():
        HitDecision.objects.create(**{**row, "evidence_version": record.evidence_version})
    with pytest.raises(DatabaseError), transaction.atomic():
        ScreeningHit.objects.update(status="OPEN")
    with pytest.raises(DatabaseError), transaction.atomic():
        HitDecision.objects.update(disposition="TRUE_MATCH")
    with pytest.raises(DatabaseError), transaction.atomic():
        ScreeningResult.objects.update(score=0)
    assert ScreeningHit.objects.get().status == "FALSE_POSITIVE"


def test_true_match_freezes_cancels_orders_and_opens_a_case_at_once(
    officer: User, settings: Any
) -> None:
    settings.PRE_TRADE_CHECKS = []
    record = submitted(**LISTED)
    propose(record, officer)
    make_market()
    order = place_order(make_portfolio(record.client, cash="10000"))
    with_list()
    clients_rescreen()

    hit_decide(officer, ScreeningHit.objects.get(), "TRUE_MATCH")

    record.refresh_from_db()
    assert (record.status, record.risk_rating) == ("SUSPENDED", "PROHIBITED")
    assert Order.objects.get(id=order.id).status in {"PENDING_CANCEL", "CANCELED"}
    case = Case.objects.get()
    assert (case.client_id, case.status) == (record.client_id, "OPEN")
    item = WorkItem.objects.get(kind="CASE", subject_id=case.id)
    assert item.assignee_id == officer.pk
    with pytest.raises(Refused) as refusal:
        check_client_cleared(record.client_id)
    assert "match" not in str(refusal.value.message).lower()


def test_cleared_pair_comes_back_saying_what_changed(record: KycRecord, officer: User) -> None:
    hit_decide(officer, ScreeningHit.objects.get())
    record.refresh_from_db()
    propose(record, officer, "REQUEST_INFORMATION")
    changed = {**ANSWERS["personal"], **LISTED, "date_of_birth": "1970-01-30"}
    kyc_save_step(actor=record.client, step="personal", answers=changed)
    hand_in(record.client)
    outbox_deliver(context="compliance")

    shown = hits_shown(record.id)

    assert [view.hit.status for view in shown] == ["OPEN", "FALSE_POSITIVE"]
    assert shown[0].changes[0].startswith("False positive on ")
    assert "Date of birth, client: 1985-12-10 became 1970-01-30" in shown[0].changes
    assert {side.verdict for side in shown[0].sides} >= {"agrees"}
    assert all(feature["words"] for feature in shown[0].features)


def test_pair_does_not_come_back_for_remarks_that_nobody_compares(
    record: KycRecord, officer: User, tmp_path: Path
) -> None:
    hit_decide(officer, ScreeningHit.objects.get())
    path = Path(shutil.copytree(SAMPLE, tmp_path / "list")) / "sdn.csv"
    path.write_text(path.read_text().replace('"SAMPLE-A"', '"SAMPLE-B"'))
    watchlist_import(actor=None, path=path.parent, list_code="SAMPLE")
    record.refresh_from_db()
    propose(record, officer, "REQUEST_INFORMATION")
    hand_in(record.client)
    outbox_deliver(context="compliance")

    assert ScreeningHit.objects.count() == 1
