"""A true match is taken back by two officers, on what they read, and the client compared anew."""

import shutil
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.urls import reverse

from apps.audit.models import AuditEvent
from apps.compliance.models import (
    Alert,
    KycRecord,
    MatchWithdrawal,
    ScreeningHit,
    WorkItem,
    WorkLock,
)
from apps.compliance.selectors.hits import hits_shown
from apps.compliance.services.kyc_decisions import kyc_confirm_decision, kyc_propose_decision
from apps.compliance.services.match_withdrawals import (
    match_withdraw_confirm,
    match_withdraw_decline,
    match_withdraw_propose,
)
from apps.compliance.services.rescreening import clients_rescreen
from apps.compliance.services.watchlists import SAMPLE, watchlist_import
from apps.compliance.services.work_items import work_items_sync
from apps.core.errors import Conflict, DomainError, InvalidInput, NotFound, NotPermitted
from apps.users.models import User
from tests.compliance.alert_factories import make_officer
from tests.compliance.factories import hit_decide
from tests.compliance.test_alert_admin import signed_in
from tests.compliance.test_services_screening import LISTED, propose, submitted, with_list

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer() -> User:
    return make_officer()


@pytest.fixture
def second() -> User:
    return make_officer()


@pytest.fixture
def matched(officer: User) -> ScreeningHit:
    """Return a client's true match: approved, then listed, then stopped."""
    record = submitted(**LISTED)
    propose(record, officer)
    with_list()
    clients_rescreen()
    hit = ScreeningHit.objects.get()
    hit_decide(officer, hit, "TRUE_MATCH")
    hit.refresh_from_db()
    return hit


def version_of(hit: ScreeningHit) -> int:
    return KycRecord.objects.get(id=hit.record_id).evidence_version


def ask(officer: User, hit: ScreeningHit, **changes: Any) -> MatchWithdrawal:
    return match_withdraw_propose(
        **{
            "actor": officer,
            "hit_id": hit.id,
            "reason_code": "OTHER_PERSON",
            "reason": "Born elsewhere",
            "evidence_version": version_of(hit),
            **changes,
        }
    )


def confirm(officer: User, made: MatchWithdrawal, **changes: Any) -> MatchWithdrawal:
    return match_withdraw_confirm(
        **{
            "actor": officer,
            "withdrawal_id": made.id,
            "reason_code": made.reason_code,
            "evidence_version": version_of(made.hit),
            **changes,
        }
    )


def state(hit: ScreeningHit) -> list[Any]:
    return [
        ScreeningHit.objects.values("id", "status").get(),
        KycRecord.objects.filter(id=hit.record_id).values().get(),
        list(MatchWithdrawal.objects.values("id", "status")),
        AuditEvent.objects.filter(name__contains="match_withdrawal").count(),
    ]


def test_match_taken_back_comes_back_as_an_open_hit_and_the_client_may_be_approved(
    matched: ScreeningHit, officer: User, second: User
) -> None:
    made = ask(officer, matched)
    work_items_sync()
    item = WorkItem.objects.open().get(kind="MATCH")
    assert (item.page_id, item.proposed_by) == (matched.record_id, officer)

    confirm(second, made)

    again = ScreeningHit.objects.exclude(id=matched.id).get()
    matched.refresh_from_db()
    assert (matched.status, again.status) == ("SUPERSEDED", "OPEN")
    assert again.pair_hash == matched.pair_hash
    told = hits_shown(matched.record_id)[0].changes
    assert told[0].startswith("True match, taken back on ")
    record = KycRecord.objects.get(id=matched.record_id)
    assert (record.status, record.risk_rating == "PROHIBITED") == ("SUSPENDED", False)
    work_items_sync()
    assert not WorkItem.objects.open().filter(kind="MATCH").exists()

    hit_decide(second, again)
    record.refresh_from_db()
    decision = kyc_propose_decision(
        actor=second,
        record_id=record.id,
        outcome="REVIEW",
        reason_code="CLARIFIED",
        evidence_version=record.evidence_version,
    )
    kyc_confirm_decision(
        actor=officer, decision_id=decision.id, evidence_version=record.evidence_version
    )
    record.refresh_from_db()
    assert record.status == "UNDER_REVIEW"


def test_match_with_an_entry_that_left_its_list_is_taken_back_for_good(
    matched: ScreeningHit, officer: User, second: User, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput):
        ask(officer, matched, reason_code="DELISTED")
    folder = Path(shutil.copytree(SAMPLE, tmp_path / "list"))
    for file in folder.glob("*.csv"):
        lines = file.read_text().splitlines(keepends=True)
        file.write_text(
            "".join(line for line in lines if not line.startswith(f"{matched.entity.uid},"))
        )
    watchlist_import(actor=None, path=folder, list_code="SAMPLE")
    clients_rescreen()
    assert Alert.objects.filter(scenario_code="DELISTED", status="OPEN").exists()

    confirm(second, ask(officer, matched, reason_code="DELISTED"))

    assert ScreeningHit.objects.get().status == "SUPERSEDED"
    assert KycRecord.objects.get(id=matched.record_id).risk_rating != "PROHIBITED"


def test_withdrawal_by_one_officer_or_on_other_evidence_changes_nothing(
    matched: ScreeningHit, officer: User, second: User
) -> None:
    client = matched.record.client
    before = state(matched)
    proposals: list[tuple[dict[str, Any], type[DomainError]]] = [
        ({"actor": client}, NotPermitted),
        ({"hit_id": uuid4()}, NotFound),
        ({"reason": " "}, InvalidInput),
        ({"reason": "x\x00"}, InvalidInput),
        ({"reason_code": "WHIM"}, InvalidInput),
        ({"evidence_version": 0}, Conflict),
    ]
    for changes, error in proposals:
        with pytest.raises(error):
            ask(officer, matched, **changes)
    assert state(matched) == before

    made = ask(officer, matched)
    before = state(matched)
    confirmations: list[tuple[dict[str, Any], type[DomainError]]] = [
        ({"actor": officer}, NotPermitted),
        ({"actor": client}, NotPermitted),
        ({"withdrawal_id": uuid4()}, NotFound),
        ({"reason_code": "MISTAKE"}, Conflict),
        ({"evidence_version": 0}, Conflict),
    ]
    for changes, error in confirmations:
        with pytest.raises(error):
            confirm(second, made, **changes)
    with pytest.raises(Conflict) as refusal:
        ask(second, matched)
    assert refusal.value.code == "withdrawal_proposed"
    assert state(matched) == before

    match_withdraw_decline(actor=officer, withdrawal_id=made.id)
    with pytest.raises(Conflict) as refusal:
        confirm(second, made)
    assert refusal.value.code == "withdrawal_closed"
    confirm(second, again := ask(officer, matched))
    with pytest.raises(Conflict):
        confirm(second, again)
    assert ScreeningHit.objects.filter(status="SUPERSEDED").count() == 1


def test_database_takes_no_match_back_without_two_officers(
    matched: ScreeningHit, officer: User, second: User
) -> None:
    row: dict[str, Any] = {
        "hit": matched,
        "reason_code": "MISTAKE",
        "reason": "x",
        "evidence_version": version_of(matched),
        "proposed_by": officer,
    }
    wrong: list[dict[str, Any]] = [
        {"status": "DONE", "decided_by": second},
        {"evidence_version": 0},
        {"proposed_by": matched.record.client},
    ]
    for changes in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            MatchWithdrawal.objects.create(**{**row, **changes})
    with pytest.raises(DatabaseError), transaction.atomic():
        ScreeningHit.objects.update(status="SUPERSEDED")
    made = ask(officer, matched)
    rows = MatchWithdrawal.objects.filter(id=made.id)
    decided_at = matched.disposed_at
    for change in (
        {"status": "DONE", "decided_by": officer, "decided_at": decided_at},
        {"status": "DONE", "decided_by": second, "decided_at": decided_at, "reason_code": "OTHER"},
        {"reason_code": "MISTAKE"},
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.delete()
    assert rows.get().status == "PROPOSED"


@pytest.mark.parametrize("is_client", [True, False], ids=["client", "applicant"])
def test_desk_takes_a_match_back_with_a_second_officer(
    officer: User, second: User, is_client: bool, request: pytest.FixtureRequest
) -> None:
    if is_client:
        matched: ScreeningHit = request.getfixturevalue("matched")
    else:
        with_list()
        submitted(**LISTED)
        matched = ScreeningHit.objects.get()
        hit_decide(officer, matched, "TRUE_MATCH")

    def post(who: User, **form: Any) -> str:
        address = reverse(
            "admin:compliance_kycrecord_withdrawal", args=[matched.record_id, matched.id]
        )
        body = {"evidence_version": version_of(matched), "reason_code": "MISTAKE", **form}
        return signed_in(who).post(address, body, follow=True).content.decode()

    page = reverse("admin:compliance_kycrecord_change", args=[matched.record_id])
    text = signed_in(officer).get(page).content.decode()
    assert "Take this match back" in text
    assert "The entry left its list" not in text
    assert "second officer must confirm" in post(officer, act="propose", reason="Slip")
    made: UUID = MatchWithdrawal.objects.get().id
    shown = signed_in(officer).get(page)
    assert shown.status_code == 200
    assert "another officer must confirm" in shown.content.decode()
    signed_in(second).get(page)
    assert WorkLock.objects.get(page_id=matched.record_id).officer == second
    assert "not complete" in post(second, act="confirm", withdrawal_id="x")
    assert "compared anew" in post(second, act="confirm", withdrawal_id=made)
    assert MatchWithdrawal.objects.get().status == "DONE"
