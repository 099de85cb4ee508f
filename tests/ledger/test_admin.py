from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.messages.storage.fallback import FallbackStorage
from django.test import RequestFactory

from apps.ledger.domain.legs import AccountKind, Leg
from apps.ledger.models import Entry
from apps.ledger.services import entry_post
from apps.users.domain.roles import Role
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db


def test_entry_in_the_admin_shows_its_postings(
    rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    legs = [
        Leg(uuid4(), AccountKind.CASH, "USD", Decimal("12.34")),
        Leg(None, AccountKind.CLIENT_MONEY, "USD", Decimal("-12.34")),
    ]
    entry = entry_post(actor=None, idempotency_key="k", kind="DEPOSIT", legs=legs)
    request = rf.get("/admin/")
    request.user = make_user(Role.AUDITOR, with_totp=True)
    monkeypatch.setattr(request.user, "is_verified", lambda: True, raising=False)
    request.session = {}  # type: ignore[assignment]
    request._messages = FallbackStorage(request)  # type: ignore[attr-defined]

    page = admin.site._registry[Entry].change_view(request, str(entry.id))

    assert "12.34" in page.render().content.decode()  # type: ignore[attr-defined]
    listing = admin.site._registry[Entry].changelist_view(request)
    assert str(entry.id) in listing.render().content.decode()  # type: ignore[attr-defined]
