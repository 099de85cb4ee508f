"""Lists on the desk: what changed, what was refused, and what two people let in."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from apps.compliance.models import (
    OperationsAlert,
    OwnListChange,
    WatchlistImport,
    WatchlistSource,
    WatchlistVersion,
    WorkLock,
)
from apps.compliance.selectors.own_list import own_entries
from apps.compliance.services.operations_alerts import operations_alert_raise
from apps.compliance.services.watchlists import watchlist_import
from apps.users.domain.roles import Role
from tests.compliance.test_alert_admin import signed_in
from tests.compliance.test_providers import LISTS
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db
ENTRY = {"uid": "own-9", "kind": "PERSON", "name": "Viktor Brantov", "reason": "A fraud of 2025"}


def test_version_page_shows_what_changed() -> None:
    version = watchlist_import(actor=None, path=LISTS / "un.xml")
    desk = signed_in(make_user(Role.COMPLIANCE_OFFICER))

    text = desk.get(
        reverse("admin:compliance_watchlistversion_change", args=[version.id])
    ).content.decode()

    assert "VIKTOR BRANTOV" in text
    assert "KPi.900" in text
    assert "style=" not in text
    address = reverse("admin:compliance_watchlistversion_changelist")
    assert "UN XML" in desk.get(address).content.decode()
    assert desk.get(f"{address}nonsense/change/").status_code == 404


def test_own_entry_is_proposed_and_confirmed_on_the_desk() -> None:
    first, other = (signed_in(make_user(Role.COMPLIANCE_OFFICER)) for _ in range(2))
    entries = reverse("admin:compliance_ownlistchange_entries")
    assert first.post(entries, {**ENTRY, "command": "put", "kind": "DOG"}).status_code == 400
    assert first.post(entries, {**ENTRY, "command": "put"}).status_code == 302
    page = reverse("admin:compliance_ownlistchange_change", args=[OwnListChange.objects.get().id])
    assert "Confirm as second officer" not in first.get(page).content.decode()
    first.post(page, {"command": "confirm"})
    assert own_entries() == {}

    assert "Confirm as second officer" in other.get(page).content.decode()
    other.post(page, {"command": "confirm"})

    assert set(own_entries()) == {"own-9"}
    assert "own-9" in other.get(entries).content.decode()
    assert "Propose to end it" in other.get(f"{entries}?uid=own-9").content.decode()
    other.post(entries, {**ENTRY, "command": "end"})
    file = SimpleUploadedFile("own.csv", (LISTS / "own.csv").read_bytes())
    asked = {"command": "replace", "list-file": file, "list-reason": "Yearly"}
    assert other.post(entries, asked).status_code == 302
    assert OwnListChange.objects.filter(status="PROPOSED").count() == 2


def test_own_list_may_be_read_but_not_changed_by_an_auditor() -> None:
    desk = signed_in(make_user(Role.AUDITOR))
    entries = reverse("admin:compliance_ownlistchange_entries")

    assert "Propose" not in desk.get(entries).content.decode()
    assert desk.post(entries, {**ENTRY, "command": "put"}).status_code in (302, 403)
    assert not OwnListChange.objects.exists()


def test_source_is_written_down_and_turned_on_by_another() -> None:
    first, other = (signed_in(make_user(Role.COMPLIANCE_OFFICER)) for _ in range(2))
    edit = reverse("admin:compliance_watchlistsource_edit")
    asked = {"list_code": "UN", "url": "http://lists.example/", "interval_hours": 6}
    assert first.post(edit, asked).status_code == 400
    assert first.post(edit, {**asked, "url": "https://lists.example/"}).status_code == 302
    source = WatchlistSource.objects.get()
    address = reverse("admin:compliance_watchlistsource_changelist")

    for desk in (first, other):
        desk.post(address, {"action": "activate", "_selected_action": [str(source.id)]})

    source.refresh_from_db()
    assert source.is_active
    assert source.activated_by != source.changed_by
    assert "https://lists.example/" in other.get(f"{edit}?list=UN").content.decode()
    other.post(address, {"action": "deactivate", "_selected_action": [str(source.id)]})
    source.refresh_from_db()
    assert not source.is_active


def test_import_that_shrank_is_let_in_on_the_desk() -> None:
    attempt = WatchlistImport.objects.create(
        list_code="UN",
        status="REFUSED",
        code="watchlist_shrunk",
        checksum="0" * 64,
        ended_at="2026-11-23T00:00:00Z",
    )
    page = reverse("admin:compliance_watchlistimport_change", args=[attempt.id])
    first, other = (signed_in(make_user(Role.COMPLIANCE_OFFICER)) for _ in range(2))
    first.post(page, {"command": "propose", "reason": "A country was delisted"})
    first.post(page, {"command": "confirm"})
    assert WatchlistImport.objects.get().override_confirmed_by is None

    assert "Confirm as second person" in other.get(page).content.decode()
    assert WorkLock.objects.get(page_id=attempt.id).until > timezone.now()
    third = signed_in(make_user(Role.COMPLIANCE_OFFICER))
    text = third.get(page).content.decode()
    assert "has this open until" in text
    assert "Confirm as second person" not in text
    other.post(page, {"command": "confirm"})

    attempt.refresh_from_db()
    assert attempt.override_confirmed_by is not None
    assert WatchlistVersion.objects.count() == 0


def test_operations_see_imports_and_acknowledge_alerts_but_change_no_source() -> None:
    WatchlistImport.objects.create(list_code="UN")
    alert = operations_alert_raise(kind="FETCH_FAILED", subject="UN", message="No.", facts={})
    desk = signed_in(make_user(Role.OPERATIONS))

    imports = desk.get(reverse("admin:compliance_watchlistimport_changelist")).content.decode()
    address = reverse("admin:compliance_operationsalert_changelist")
    desk.post(address, {"action": "acknowledge", "_selected_action": [str(alert.id)]})

    assert "no news" in imports
    assert OperationsAlert.objects.get().acknowledged_by is not None
    assert desk.get(reverse("admin:compliance_watchlistsource_edit")).status_code in (302, 403)
