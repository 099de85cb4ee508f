"""The queue's pages and the cockpit: what officers see, take, share, decide together and export."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.audit.models import AuditEvent
from apps.compliance.models import (
    Alert,
    KycRecord,
    SavedView,
    ScreeningHit,
    WorkItem,
    WorkLock,
)
from apps.compliance.selectors.desk import desk_overview
from apps.compliance.services.work_items import work_items_sync
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.compliance.alert_factories import make_alert, make_client, make_officer, make_proposed
from tests.compliance.factories import make_kyc
from tests.compliance.test_alert_admin import signed_in
from tests.compliance.test_work_items import item_of, make_hit
from tests.users.factories import api_client

pytestmark = pytest.mark.django_db
LIST = "/admin/compliance/workitem/"


def chosen(*items: WorkItem, **form: Any) -> dict[str, Any]:
    return {"_selected_action": [str(item.id) for item in items], **form}


def text_of(browser: Client, address: str, data: dict[str, Any] | None = None) -> str:
    return browser.get(address, data or {}).content.decode()


def test_queue_shows_every_kind_and_every_filter_leads_to_its_rows() -> None:
    officer = make_officer()
    proposed = make_proposed(make_officer())
    record, hit = make_hit(make_client())
    late = item_of(make_alert().id)
    WorkItem.objects.filter(id=late.id).update(
        due_at=timezone.now() - timedelta(minutes=1), assignee=officer
    )
    browser = signed_in(officer)

    text = text_of(browser, LIST)
    assert browser.get(LIST).status_code == 200
    assert "style=" not in text
    for expected in ("KYC record", "Screening hit", "Case", "Screening threshold", "late"):
        assert expected in text
    filters = {
        "kind=HIT": {hit.id},
        "kind=ALERT&held=nobody": {proposed.id},
        "held=me": {late.subject_id},
        f"held={officer.pk}": {late.subject_id},
        "sla=late": {late.subject_id},
        "topic=X": {hit.id},
        "waits=second&kind=ALERT": {proposed.id},
        "waits=others": set(),
        "state=decided": set(),
        "age=old": set(),
        "priority__exact=3&waits=first&kind=KYC": {record.id},
    }
    for query, subjects in filters.items():
        rows = browser.get(f"{LIST}?{query}").context["cl"].queryset
        assert {row.subject_id for row in rows} == subjects, query
    item = item_of(hit.id)
    opened = browser.get(reverse("admin:compliance_workitem_change", args=[item.id]))
    assert opened["Location"].endswith(f"/kycrecord/{record.id}/change/#hit-{hit.id}")
    assert browser.get(f"{LIST}nonsense/change/").status_code == 404
    for hostile in (
        "kind=%00",
        "topic=%00",
        "held=%00",
        "state=%00",
        "priority__exact=%00",
        "q=%00",
    ):
        assert browser.get(f"{LIST}?{hostile}").status_code < 500, hostile
    for tampered in ("nonsense", "\x00", str(uuid4())):
        form = {"_selected_action": [tampered], "action": "take_selected"}
        answered = 302 if "-" in tampered else 400
        assert browser.post(LIST, form).status_code == answered, tampered


def copies(of: Model, column: str, values: list[Any]) -> list[Any]:
    """Return rows like that one, not written yet, with each of the values in a column."""
    own = {"id", "created_at", column}
    fields = [field for field in of._meta.concrete_fields if field.name not in own]
    same = {field.attname: getattr(of, field.attname) for field in fields}
    return [type(of)(**same, **{column: value}) for value in values]


def test_queue_asks_the_database_as_often_for_many_rows_of_every_kind_as_for_few(
    django_assert_num_queries: DjangoAssertNumQueries,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    browser, every = signed_in(make_officer(Role.COMPLIANCE_SUPERVISOR)), f"{LIST}?all="
    record, hit = make_hit(make_client())
    alert = make_alert(record.client)
    browser.get(every)
    with django_assert_num_queries(42):
        browser.get(every)

    emails = [f"{number}@client.example" for number in range(40)]
    clients = User.objects.bulk_create(User(email=email) for email in emails)
    records = KycRecord.objects.bulk_create(copies(record, "client", clients))
    ScreeningHit.objects.bulk_create(copies(hit, "record", records))
    Alert.objects.bulk_create(copies(alert, "client", clients))
    assert browser.get(every).context["cl"].result_count > 120
    with django_assert_num_queries(42):
        browser.get(every)
    with django_assert_max_num_queries(43):
        browser.get("/admin/")


def test_page_that_is_open_at_another_is_read_only_and_prolonged_by_its_holder() -> None:
    first, second = make_officer(), make_officer()
    record = make_kyc(make_client(), "IN_REVIEW")
    page = reverse("admin:compliance_kycrecord_change", args=[record.id])
    lock = reverse("admin:compliance_workitem_lock", args=[record.id])
    mine, theirs = signed_in(first), signed_in(second)

    assert 'name="act" value="propose"' in text_of(mine, page)
    assert f'data-lock="{lock}"' in text_of(mine, page)
    text = text_of(theirs, page)
    assert f"{first} has this open until" in text
    assert 'name="act"' not in text

    until = WorkLock.objects.get(page_id=record.id).until
    assert mine.post(lock).json()["holder"] == str(first)
    assert WorkLock.objects.get(page_id=record.id).until > until
    refused = theirs.post(lock)
    assert (refused.status_code, refused.json()["holder"]) == (409, str(first))
    theirs.post(
        reverse("admin:compliance_kycrecord_decide", args=[record.id]),
        {"act": "propose", "decision": "APPROVE:VERIFIED", "evidence_version": "0"},
    )
    assert KycRecord.objects.get().status == "IN_REVIEW"

    mine.post(reverse("admin:compliance_workitem_take", args=[record.id]), {"back": page})
    assert item_of(record.id).assignee == first
    mine.post(reverse("admin:compliance_workitem_release", args=[record.id]))
    assert 'name="act" value="propose"' in text_of(theirs, page)


def test_actions_take_let_go_and_give_and_report_what_is_refused() -> None:
    officer, other = make_officer(), make_officer()
    mine, by_me = item_of(make_alert().id), item_of(make_proposed(officer).id)
    about_me = item_of(make_alert(officer).id)
    browser = signed_in(officer)

    told = browser.post(LIST, chosen(mine, by_me, about_me, action="take_selected"), follow=True)
    text = told.content.decode()
    assert "1 done." in text
    assert text.count("That person may not decide this.") == 1
    assert {item_of(one.subject_id).assignee for one in (by_me, about_me)} == {None}
    assert item_of(mine.subject_id).assignee == officer
    browser.post(LIST, chosen(mine, action="give_selected", officer=str(other.pk)))
    assert item_of(mine.subject_id).assignee == officer
    browser.post(LIST, chosen(mine, action="release_selected"))
    assert item_of(mine.subject_id).assignee is None

    supervisor = signed_in(make_officer(Role.COMPLIANCE_SUPERVISOR))
    assert 'name="officer"' in text_of(supervisor, LIST)
    assert 'name="officer"' not in text_of(browser, LIST)
    supervisor.post(LIST, chosen(mine, action="give_selected", officer=str(other.pk)))
    assert item_of(mine.subject_id).assignee == other
    nobody = chosen(mine, action="give_selected", officer="")
    assert "Say to whom." in supervisor.post(LIST, nobody, follow=True).content.decode()


def test_next_opens_what_it_gave_and_says_when_there_is_none() -> None:
    alert, browser = make_alert(), signed_in(make_officer())
    address = reverse("admin:compliance_workitem_next")
    assert browser.get(address).status_code == 405
    page = reverse("admin:compliance_alert_change", args=[alert.id])
    assert browser.post(address)["Location"] == page
    assert browser.post(address)["Location"] == LIST


def test_weak_hits_are_decided_together_on_what_was_read_and_strong_ones_never() -> None:
    record, weak = make_hit(make_client())
    ScreeningHit.objects.filter(id=weak.id).update(score=Decimal("0.860"))
    item, alert = item_of(weak.id), item_of(make_alert().id)
    browser = signed_in(make_officer())
    address = reverse("admin:compliance_workitem_false_positives")
    form = {
        "hit": [str(weak.id), "nonsense"],
        "reason_code": "NAME_ONLY",
        "reason": "Another country and a later birth.",
        f"version-{record.id}": str(record.evidence_version),
    }

    asked = browser.post(LIST, chosen(item, alert, action="dispose_selected")).content.decode()
    assert "1 left out" in asked
    assert f'name="version-{record.id}" value="{record.evidence_version}"' in asked
    assert AuditEvent.objects.filter(name="compliance.kyc.viewed").count() == 1
    KycRecord.objects.filter(id=record.id).update(evidence_version=7)
    stale = browser.post(address, form, follow=True).content.decode()
    assert "The evidence changed since you read it." in stale
    for broken in ({"reason": " "}, {"reason_code": "ODD"}, {f"version-{record.id}": "x"}):
        browser.post(address, {**form, f"version-{record.id}": "7", **broken})
    weak.refresh_from_db()
    assert weak.status == "OPEN"

    ScreeningHit.objects.filter(id=weak.id).update(score=Decimal("0.950"))
    none = browser.post(LIST, chosen(item, action="dispose_selected"))
    assert none.status_code == 302
    browser.post(address, {**form, f"version-{record.id}": "7"})
    weak.refresh_from_db()
    assert weak.status == "OPEN"

    ScreeningHit.objects.filter(id=weak.id).update(score=Decimal("0.860"))
    done = browser.post(address, {**form, f"version-{record.id}": "7"}, follow=True)
    assert "1 decided as false positives." in done.content.decode()
    weak.refresh_from_db()
    assert weak.status == "FALSE_POSITIVE"


def test_views_are_kept_by_name_shared_by_a_supervisor_and_hold_no_search() -> None:
    officer, supervisor = make_officer(), make_officer(Role.COMPLIANCE_SUPERVISOR)
    mine, boss = signed_in(officer), signed_in(supervisor)
    save = reverse("admin:compliance_workitem_save_view")
    query = "kind=HIT&sla=late&q=someone%40example.com&o=-5"

    mine.post(save, {"name": "Late hits", "query": query, "back": f"{LIST}?kind=HIT"})
    mine.post(save, {"name": "Shared by me", "query": query, "shared": "yes"})
    mine.post(save, {"name": " ", "query": query})
    boss.post(save, {"name": "All cases", "query": "kind=CASE", "shared": "yes"})

    found = {view.name: (view.query, view.is_shared) for view in SavedView.objects.all()}
    assert found == {
        "Late hits": ("kind=HIT&sla=late&o=-5", False),
        "All cases": ("kind=CASE", True),
    }
    text = text_of(mine, LIST)
    assert "All cases" in text
    assert "Late hits" not in text_of(boss, LIST)
    mine.post(reverse("admin:compliance_workitem_remove_view", args=[boss_view().id]))
    assert SavedView.objects.count() == 2
    boss.post(reverse("admin:compliance_workitem_remove_view", args=[boss_view().id]))
    assert not SavedView.objects.filter(is_shared=True).exists()


def boss_view() -> SavedView:
    return SavedView.objects.get(name="All cases")


def test_export_is_streamed_recorded_and_holds_no_formula() -> None:
    item = item_of(make_alert(scenario_code="=2+5").id)
    answer = signed_in(make_officer()).post(
        f"{LIST}?kind=ALERT", chosen(item, action="export_selected")
    )
    assert answer.streaming
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "'=2+5" in text
    assert str(item.subject_id) in text
    event = AuditEvent.objects.get(name="compliance.work.exported")
    assert event.payload == {"query": "kind=ALERT", "count": 1}


def test_auditor_reads_the_queue_and_changes_nothing() -> None:
    item = item_of(make_alert().id)
    auditor = signed_in(make_officer(Role.AUDITOR))
    assert auditor.get(LIST).status_code == 200
    auditor.post(LIST, chosen(item, action="take_selected"))
    for name, arguments in (("take", [item.page_id]), ("lock", [item.page_id]), ("next", [])):
        address = reverse(f"admin:compliance_workitem_{name}", args=arguments)
        assert auditor.post(address).status_code == 403
    assert item_of(item.subject_id).assignee is None
    assert not WorkLock.objects.exists()


def test_cockpit_counts_what_waits_and_how_it_is_worked_off_and_links_to_the_rows() -> None:
    officer = make_officer()
    _, hit = make_hit(make_client())
    late, decided = item_of(make_alert().id), item_of(make_alert().id)
    make_proposed(make_officer())
    work_items_sync()
    now = timezone.now()
    WorkItem.objects.filter(id=late.id).update(due_at=now, opened_at=now - timedelta(hours=5))
    WorkItem.objects.filter(id=decided.id).update(
        opened_at=now - timedelta(hours=3), closed_at=now - timedelta(minutes=1)
    )

    desk = desk_overview(officer, now + timedelta(seconds=1))

    queues = {queue.label: queue for queue in desk.queues}
    alerts = queues["Alert"]
    assert (alerts.count, alerts.late, alerts.second, alerts.oldest) == (2, 1, 1, "5 h")
    assert (alerts.decided, alerts.in_time, alerts.time_to_decide) == (1, "100 %", "2 h")
    assert (desk.waiting, desk.late, desk.four_eyes) == (7, 1, 3)
    assert (desk.in_time, desk.false_positives) == ("100 %", "none")
    assert [(bar.label, bar.count, bar.query) for bar in desk.by_list] == [
        ("X", 1, "kind=HIT&topic=X")
    ]
    assert [bar.count for bar in desk.by_age] == [6, 1, 0, 0]
    assert hit.status == "OPEN"

    text = text_of(signed_in(officer), "/admin/")
    assert f'href="{LIST}?kind=ALERT&amp;sla=late"' in text
    assert f'href="{LIST}?kind=HIT&amp;topic=X"' in text
    assert "<script>" not in text
    assert "style=" not in text
    empty = desk_overview(officer, now - timedelta(days=400))
    assert empty.in_time == "none"


def test_officer_who_is_a_client_finds_nothing_about_themselves() -> None:
    officer, other = make_officer(), make_officer()
    alert = make_alert(officer)
    item = item_of(alert.id)
    record, _ = make_hit(officer)
    lists = (
        *(LIST, "/admin/compliance/alert/", "/admin/compliance/kycrecord/"),
        *("/api/v1/work-items", "/api/v1/alerts", "/api/v1/kyc-records"),
    )
    pages = (
        *(f"{LIST}{item.id}/change/", f"/admin/compliance/alert/{alert.id}/change/"),
        f"/api/v1/alerts/{alert.id}",
    )

    def looked(at: str, who: User) -> tuple[int, bool]:
        client = api_client(who) if at.startswith("/api") else signed_in(who)
        answer = client.get(at)
        shown = answer.content.decode()
        return answer.status_code, any(str(one) in shown for one in (alert.id, item.id, record.id))

    assert {looked(at, officer) for at in lists} == {(200, False)}
    assert {looked(at, other) for at in lists} == {(200, True)}
    assert {looked(at, officer)[0] for at in pages} == {404}
    assert {looked(at, other)[0] for at in pages} == {200, 302}
