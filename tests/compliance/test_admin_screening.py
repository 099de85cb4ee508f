"""Screening's pages on the desk: thresholds under four eyes, names on demand, cases."""

from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from apps.audit.models import AuditEvent
from apps.compliance.models import KycRecord, ScreeningSearch, ScreeningThreshold
from apps.compliance.services.screening_searches import searches_run
from apps.users.domain.roles import Role
from tests.compliance.alert_factories import make_client, make_officer
from tests.compliance.test_alert_admin import signed_in
from tests.compliance.test_services_screening import with_list
from tests.compliance.test_work_items import make_hit
from tests.users.helpers import age_second_factor

pytestmark = pytest.mark.django_db
PROPOSE = "/admin/compliance/screeningthreshold/propose/"
ASK = "/admin/compliance/screeningsearch/ask/"


def test_threshold_is_replayed_proposed_and_activated_by_another_with_a_fresh_factor() -> None:
    first, second = signed_in(make_officer()), signed_in(make_officer())
    terms = {"list_code": "", "risk_class": "HIGH", "threshold": "0.880"}

    assert first.get(PROPOSE, terms).context["replay"] is not None
    assert first.get(PROPOSE, {**terms, "list_code": "X\x00"}).status_code == 400
    for odd in ({"threshold": "sNaN"}, {"risk_class": "ODD"}):
        shown = first.get(PROPOSE, {**terms, **odd})
        assert (shown.status_code, shown.context["replay"]) == (200, None)
    bad = first.post(PROPOSE, {**terms, "threshold": "x", "reason": "y", "base_version": "0"})
    assert "A threshold is a number." in bad.content.decode()
    unread = first.post(PROPOSE, {**terms, "reason": "y", "base_version": "-1"})
    assert "The form was not complete." in unread.content.decode()
    assert not ScreeningThreshold.objects.exists()
    first.post(PROPOSE, {**terms, "reason": "Too many names alone.", "base_version": "0"})
    row = ScreeningThreshold.objects.get()
    page = reverse("admin:compliance_screeningthreshold_change", args=[row.id])

    text = first.get(page).content.decode()
    assert "another officer must activate it" in text
    assert "data-lock" not in text
    first.post(page, {"act": "activate", "threshold": "0.880"})
    other = second.post(page, {"act": "activate", "threshold": "0.870"}, follow=True)
    assert "This is not what was proposed." in other.content.decode()
    row.refresh_from_db()
    assert row.status == "PROPOSED"
    age_second_factor(second)
    assert second.post(page, {"act": "activate", "threshold": "0.880"}).status_code == 403

    third = signed_in(make_officer())
    held = third.post(page, {"act": "activate", "threshold": "0.880"}, follow=True)
    assert "Another officer has this open." in held.content.decode()
    second.post(reverse("admin:compliance_workitem_release", args=[row.id]))
    third.post(page, {"act": "activate", "threshold": "0.880"})
    row.refresh_from_db()
    assert (row.status, row.threshold) == ("ACTIVE", Decimal("0.880"))


def test_name_and_file_are_screened_shown_and_exported_and_each_look_is_recorded() -> None:
    with_list()
    officer = signed_in(make_officer())
    officer.post(ASK, {"purpose": "Payee", "name": "Viktor Brantov"})
    rows = SimpleUploadedFile("names.csv", b"name\nViktor Brantov\n=cmd\n")
    officer.post(ASK, {"purpose": "A branch's list", "file": rows})
    searches_run()
    one, many = ScreeningSearch.objects.order_by("created_at")

    shown = officer.get(reverse("admin:compliance_screeningsearch_change", args=[one.id]))
    assert "Viktor Brantov" in shown.content.decode()
    export = officer.get(reverse("admin:compliance_screeningsearch_export", args=[many.id]))
    assert export["Content-Disposition"] == 'attachment; filename="screening-results.csv"'
    assert b'"=cmd' not in b"".join(export)
    for how in ("VIEWED", "EXPORTED"):
        assert AuditEvent.objects.filter(payload__how=how).exists(), how
    wrong = officer.post(ASK, {"purpose": "Payee", "name": "..."})
    assert wrong.status_code == 200
    broken = SimpleUploadedFile("names.csv", b"who\nAda\n")
    officer.post(ASK, {"purpose": "x", "file": broken})
    assert ScreeningSearch.objects.count() == 2
    assert officer.get(ASK + "../nonsense/change/").status_code == 404


def test_search_for_a_clients_own_name_says_that_it_is_a_client() -> None:
    client = make_client()
    record = KycRecord.objects.create(client=client)
    client.display_name = "Nora Newman"
    client.save()
    officer = signed_in(make_officer())
    page = officer.post(ASK, {"purpose": "Payee", "name": "nora newman"}, follow=True)

    assert reverse("admin:compliance_kycrecord_change", args=[record.id]) in page.content.decode()
    other = officer.post(ASK, {"purpose": "Payee", "name": "Nora Newmann"}, follow=True)
    assert "signed up under" not in other.content.decode()


def test_auditor_reads_thresholds_searches_and_cases_and_may_do_nothing() -> None:
    make_hit(make_client())
    auditor = signed_in(make_officer(Role.AUDITOR))
    for table in ("screeningthreshold", "screeningsearch", "case"):
        assert auditor.get(reverse(f"admin:compliance_{table}_changelist")).status_code == 200
    for page in (PROPOSE, ASK):
        assert auditor.get(page).status_code == 403
        assert auditor.post(page, {"name": "Ada", "purpose": "x"}).status_code == 403
    row = ScreeningThreshold.objects.get()
    page = reverse("admin:compliance_screeningthreshold_change", args=[row.id])
    assert 'name="act"' not in auditor.get(page).content.decode()
    auditor.post(page, {"act": "decline"})
    row.refresh_from_db()
    assert row.status == "PROPOSED"
