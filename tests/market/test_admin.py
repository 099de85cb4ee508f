"""What operations may do with an instrument on the desk."""

import pytest
from django.contrib.admin.sites import site
from django.contrib.messages.storage.fallback import FallbackStorage
from django.http import HttpRequest
from django.test import RequestFactory

from apps.audit.models import AuditEvent
from apps.market.admin import InstrumentAdmin
from apps.market.models import Instrument
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.market.factories import make_instrument
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db


def request_of(user: User, reason: str) -> HttpRequest:
    request = RequestFactory().post("/admin/market/instrument/", {"reason": reason})
    request.user = user
    request.session = {}  # type: ignore[assignment]
    request._messages = FallbackStorage(request)  # type: ignore[attr-defined]
    return request


@pytest.fixture
def desk() -> InstrumentAdmin:
    make_instrument("AAPL")
    return InstrumentAdmin(Instrument, site)


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ("halt", "market.instrument.halted"),
        ("restrict", "market.instrument.restricted"),
    ],
)
def test_action_with_reason_calls_the_command(
    desk: InstrumentAdmin, action: str, event: str
) -> None:
    request = request_of(make_user(Role.OPERATIONS), "Trading halt by the exchange")
    assert action in desk.get_actions(request)
    getattr(desk, action)(request, Instrument.objects.all())
    assert AuditEvent.objects.stream("instrument-AAPL").get().name == event


@pytest.mark.parametrize("action", ["resume", "release", "halt"])
def test_action_refused_or_without_reason_changes_nothing(
    desk: InstrumentAdmin, action: str
) -> None:
    reason = "" if action == "halt" else "No need"
    request = request_of(make_user(Role.OPERATIONS), reason)
    getattr(desk, action)(request, Instrument.objects.all())
    assert not AuditEvent.objects.filter(stream="instrument-AAPL").exists()
    instrument = Instrument.objects.get()
    assert (instrument.status, instrument.is_restricted) == ("ACTIVE", False)


def test_actions_are_not_offered_without_the_permission(desk: InstrumentAdmin) -> None:
    request = request_of(make_user(Role.AUDITOR), "x")
    assert not desk.get_actions(request)
    assert not desk.has_add_permission(request)
    assert not desk.has_change_permission(request)
    assert not desk.has_delete_permission(request)
