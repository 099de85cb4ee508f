"""Every operation, for every role and for nobody: what the table says is what happens."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import RequestFactory
from pytest_django import Settings
from structlog.testing import capture_logs

from apps.market.consumers.frames import CHANNELS
from apps.users.access import check_operations
from apps.users.domain.access_matrix import OPERATIONS, is_allowed
from apps.users.domain.audiences import ANYONE
from apps.users.domain.permissions import PERMISSIONS
from apps.users.domain.roles import Role
from tests.users.factories import make_user
from tests.users.world import DESKS, Visitor, make_account, own_ids, visitor, visitor_of

ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")
REQUESTS = [name for name in OPERATIONS if name.split()[0] not in {"WS", "ACTION"}]
ACTIONS = [name for name in OPERATIONS if name.startswith("ACTION ")]
REFUSALS = {401, 403, 404, 405}
# A port where nobody answers: the doors of an identity provider are there, and lead nowhere.
PROVIDER = {"name": "A", "issuer": "http://127.0.0.1:9", "client_id": "x", "client_secret": "y"}


@pytest.fixture(autouse=True)
def _provider(settings: Settings) -> None:
    settings.SOCIAL_PROVIDERS = {"acme": PROVIDER}


def address(pattern: str, ids: dict[str, Any]) -> str:
    """Fill a pattern with real ids; a page of the desk about one row gets a row that exists."""
    values = dict(ids)
    if found := re.match(r"/admin/(\w+)/(\w+)/<path:object_id>", pattern):
        row = apps.get_model(found[1], found[2])._default_manager.first()
        values["object_id"] = row.pk if row else uuid4()
    values.setdefault("object_id", uuid4())
    return ARGUMENT.sub(lambda name: str(values[name[1]]), pattern)


def is_refusal(answer: Any, operation: str) -> bool:
    """Tell whether the door stayed closed; to ask for a fresh second factor is to open it."""
    if answer.status_code in REFUSALS:
        return b"step_up" not in answer.content
    return answer.status_code == 302 and str(answer.url).startswith("/accounts/login/")


def differences(who: str, caller: Visitor, ids: dict[str, Any]) -> Iterator[str]:
    roles = None if caller.user is None else caller.user.role_names
    for operation in REQUESTS:
        method, _, pattern = operation.partition(" ")
        if OPERATIONS[operation] >= ANYONE:
            continue
        answer = caller.ask(method, address(pattern, ids), {"command": "take"})
        if is_refusal(answer, operation) is is_allowed(operation, roles):
            yield f"{who} {operation}: {answer.status_code}"
        if answer.status_code >= 500 and pattern != "/health":
            yield f"{who} {operation}: failed with {answer.status_code}"


@pytest.mark.django_db(databases=["default", "timescale"])
@pytest.mark.parametrize("role", ["ANONYMOUS", *Role])
def test_every_operation_opens_to_whom_the_table_says_and_to_nobody_else(role: str) -> None:
    account = make_account()
    caller = visitor_of(role, account["client"])
    desk = DESKS.get(Role(role), "compliance") if role in set(Role) else "compliance"
    ids = {**account, **own_ids(caller.user), "app_label": desk}

    assert list(differences(role, caller, ids)) == []


@pytest.mark.django_db
@pytest.mark.parametrize("operation", [name for name in REQUESTS if OPERATIONS[name] >= ANYONE])
def test_operation_for_anyone_refuses_nobody(operation: str) -> None:
    method, _, pattern = operation.partition(" ")
    ids = {"key": "unknown", "uidb36": "0", "provider": "acme"}

    answer = visitor(None).ask(method, address(pattern, ids))

    # A bad password or token is no refusal of the operation.
    assert answer.status_code not in {403, 405} or b"invalid_token" in answer.content


@pytest.mark.django_db
@pytest.mark.parametrize("role", list(Role))
def test_every_action_of_the_desk_is_offered_to_whom_the_table_says(
    rf: RequestFactory, role: Role
) -> None:
    request = rf.get("/admin/")
    request.user = make_user(role)

    offered = {
        f"ACTION {model._meta.label_lower} {name}"
        for model, page in admin.site._registry.items()
        if page.has_view_permission(request)
        for name in page.get_actions(request)
    }

    assert offered == {name for name in ACTIONS if is_allowed(name, [role])}


def test_table_names_every_channel_of_the_live_feed_and_no_other() -> None:
    named = {name.partition(" ")[2] for name in OPERATIONS if name.startswith("WS ")}

    assert named == CHANNELS


def test_table_names_every_operation_and_none_that_is_gone() -> None:
    assert check_operations() == []


def test_check_of_an_operation_that_the_table_does_not_name_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(OPERATIONS, "GET /orders/")
    monkeypatch.delitem(OPERATIONS, "POST /api/v1/orders")
    monkeypatch.delitem(OPERATIONS, "ACTION compliance.alert export_selected")

    found = {(message.id, message.msg) for message in check_operations()}

    assert found == {
        ("users.E001", "Nobody may every method /orders/."),
        ("users.E001", "Nobody may POST /api/v1/orders."),
        ("users.E001", "The table does not name ACTION compliance.alert export_selected."),
    }


def test_check_of_a_line_whose_operation_is_gone_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPERATIONS, "GET /gone/", ANYONE)
    monkeypatch.setitem(OPERATIONS, "DELETE /api/v1/orders", ANYONE)

    assert {message.msg for message in check_operations()} == {
        "There is no GET /gone/ any more.",
        "There is no DELETE /api/v1/orders any more.",
    }


@pytest.mark.django_db
def test_operation_that_nobody_wrote_down_is_closed_to_every_role(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(OPERATIONS, "GET /api/v1/account")
    monkeypatch.delitem(OPERATIONS, "GET /settings/")
    caller = visitor(make_user())

    assert caller.ask("GET", "/api/v1/account").status_code == 403
    assert caller.ask("GET", "/settings/").status_code == 403


@pytest.mark.django_db
def test_groups_have_the_permission_rows_of_the_table_after_migration() -> None:
    written = {
        (role, f"{app}.{code}")
        for role, app, code in Group.objects.values_list(
            "name", "permissions__content_type__app_label", "permissions__codename"
        )
        if code
    }

    assert written == {(role, name) for name, roles in PERMISSIONS.items() for role in roles}


@pytest.mark.django_db
def test_asvs_v16_3_2_refusals_by_role_and_by_object_are_in_the_security_log() -> None:
    account, caller = make_account(), visitor(make_user())
    assert caller.user is not None

    with capture_logs() as lines:
        caller.ask("GET", "/api/v1/alerts")
        caller.ask("GET", "/admin/")
        caller.ask("GET", f"/api/v1/orders/{account['order_id']}")
        caller.ask("POST", f"/orders/{account['order_id']}/cancel/")

    told = [
        (line["event"], line["route"], line["user_id"])
        for line in lines
        if line["event"] in {"authorisation.denied", "admin.denied", "object.hidden"}
    ]
    mine = str(caller.user.pk)
    assert told == [
        ("authorisation.denied", "api/v1/alerts", mine),
        ("admin.denied", "admin/", mine),
        ("object.hidden", "api/v1/orders/<uuid:order_id>", mine),
        ("object.hidden", "orders/<uuid:order_id>/cancel/", mine),
    ]
