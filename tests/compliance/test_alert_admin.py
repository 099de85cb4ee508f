"""The desk: behind the second factor, one page for one alert, commands behind every button."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.audit.models import AuditEvent
from apps.compliance.models import Alert, WorkLock
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.compliance.alert_factories import make_alert, make_client, make_officer, make_proposed
from tests.users.helpers import age_second_factor, prove_second_factor

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
LIST = "/admin/compliance/alert/"


def page(alert: Alert) -> str:
    return reverse("admin:compliance_alert_change", args=[alert.id])


def signed_in(user: User) -> Client:
    """Sign in with the second factor passed."""
    client = Client()
    client.force_login(user, backend=BACKEND)
    prove_second_factor(client, user)
    return client


def test_desk_without_the_second_factor_or_for_a_client_is_closed() -> None:
    make_alert()
    client = Client()
    client.force_login(make_officer(), backend=BACKEND)
    assert client.get(LIST).status_code in (302, 403)
    assert signed_in(make_client()).get(LIST).status_code in (302, 403)


def test_review_page_shows_all_locks_it_and_records_the_view() -> None:
    officer = make_officer()
    alert = make_alert(
        explanation=[
            {"name": "deposits", "measured": "3", "threshold": "3", "contribution": "0.5"}
        ],
        parameters={"minimum_count": "3"},
    )

    text = signed_in(officer).get(page(alert)).content.decode()

    for expected in (
        *("Deposits", "Deposits needed, at least", "9,000.00", "Raised", "Opened and viewed"),
        *("A single occasion, explained", "Assign to me"),
    ):
        assert expected in text
    assert "style=" not in text
    assert WorkLock.objects.get(page_id=alert.id).officer == officer
    head = AuditEvent.objects.stream(alert.stream).last()
    assert head is not None
    assert (head.name, head.actor_id) == ("compliance.alert.viewed", officer.pk)

    other = signed_in(make_officer()).get(page(alert)).content.decode()
    assert "has this open until" in other
    assert 'value="propose"' not in other


def test_alert_is_proposed_on_the_page_and_confirmed_by_another_officer() -> None:
    alert = make_alert()
    first, second = signed_in(make_officer()), signed_in(make_officer())
    first.get(page(alert))

    first.post(
        page(alert),
        {"command": "propose", "decision": "NOT_SUSPICIOUS:ONE_OFF", "note": "Seen."},
    )
    assert "second officer must confirm" in first.get(page(alert)).content.decode()
    first.post(page(alert), {"command": "confirm"})
    alert.refresh_from_db()
    assert alert.status == "PROPOSED"

    assert 'value="confirm"' in second.get(page(alert)).content.decode()
    second.post(page(alert), {"command": "confirm"})
    alert.refresh_from_db()
    assert alert.status == "CLOSED"
    assert "Closed by two officers" in second.get(page(alert)).content.decode()


def test_asvs_v2_3_5_confirmation_on_the_desk_needs_a_fresh_second_factor() -> None:
    alert = make_proposed(make_officer())
    second = signed_in(make_officer())
    age_second_factor(second)

    asked = second.post(page(alert), {"command": "confirm"})

    assert asked.status_code == 403
    assert 'name="step_up_code"' in asked.content.decode()
    assert 'name="command" value="confirm"' in asked.content.decode()
    alert.refresh_from_db()
    assert alert.status == "PROPOSED"
    second.post(page(alert), {"command": "note", "note": "Reading needs none."})
    assert "Reading needs none." in second.get(page(alert)).content.decode()


def test_button_that_sends_back_calls_its_command() -> None:
    alert = make_proposed(make_officer())
    signed_in(make_officer()).post(page(alert), {"command": "reject", "note": "No."})
    alert.refresh_from_db()
    assert alert.status == "OPEN"


def test_auditor_sees_and_cannot_act() -> None:
    alert = make_alert()
    auditor = signed_in(make_officer(Role.AUDITOR))
    text = auditor.get(page(alert)).content.decode()
    for command in ("propose", "note"):
        assert f'value="{command}"' not in text
    assert "Assign to me" not in text
    auditor.post(page(alert), {"command": "note", "note": "x"})
    assert auditor.post(reverse("admin:compliance_workitem_next")).status_code == 403
    assert not alert.notes.exists()
    assert not WorkLock.objects.exists()

    events = auditor.get(reverse("admin:audit_auditevent_changelist"), {"q": alert.stream})
    assert "Alert raised" in events.content.decode()
    assert auditor.get(reverse("admin:audit_checkpoint_changelist")).status_code == 200


def test_addresses_and_commands_that_are_wrong_are_refused() -> None:
    officer = signed_in(make_officer())
    assert officer.get(f"{LIST}nonsense/change/").status_code == 404
    assert officer.post(page(make_alert()), {"command": "odd"}).status_code == 400


def test_list_keeps_its_order() -> None:
    make_alert()
    officer = signed_in(make_officer())
    officer.get(LIST, {"o": "-5"})
    assert officer.get(LIST).context["cl"].params.get("o") == "-5"


def test_action_confirms_and_reports_what_is_refused() -> None:
    proposer = make_officer()
    alert = make_proposed(proposer)
    chosen = {"_selected_action": [str(alert.id)]}

    answer = signed_in(proposer).post(LIST, {"action": "confirm_selected", **chosen}, follow=True)
    assert "second officer" in answer.content.decode()
    second = signed_in(make_officer())
    age_second_factor(second)
    asked = second.post(LIST, {"action": "confirm_selected", **chosen})
    assert f'name="_selected_action" value="{alert.id}"' in asked.content.decode()
    alert.refresh_from_db()
    assert alert.status == "PROPOSED"
    prove_second_factor(second, User.objects.get(pk=second.session["_auth_user_id"]))
    second.post(LIST, {"action": "confirm_selected", **chosen})

    alert.refresh_from_db()
    assert alert.status == "CLOSED"


def test_export_is_recorded_and_cells_are_no_formulas() -> None:
    alert = make_proposed(make_officer(), scenario_code="=2+5")
    answer = signed_in(make_officer()).post(
        LIST, {"action": "export_selected", "_selected_action": [str(alert.id)]}
    )
    assert "'=2+5" in answer.content.decode()
    assert AuditEvent.objects.filter(name="compliance.alert.exported").exists()
