"""The restricted list: for everybody or for one client, for a time, by compliance."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted, Refused
from apps.trading.models import Portfolio, Restriction
from apps.trading.selectors.rules import rules_read
from apps.trading.services.restrictions import restriction_add, restriction_lift
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.trading.factories import make_market, make_portfolio, place_order
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer() -> User:
    return make_user(Role.COMPLIANCE_OFFICER)


@pytest.fixture
def portfolio() -> Portfolio:
    make_market()
    return make_portfolio(cash="10000")


def restrict(officer: User, **terms: Any) -> Restriction:
    given = {"symbol": "AAPL", "reason": "Adviser of a bidder"}
    return restriction_add(actor=officer, **{**given, **terms})


def test_client_on_the_list_is_refused_and_others_trade(
    portfolio: Portfolio, officer: User
) -> None:
    restriction = restrict(officer, client_id=portfolio.client_id)

    with pytest.raises(Refused) as refused:
        place_order(portfolio)

    assert refused.value.code == "instrument_restricted"
    assert refused.value.facts == {"limit": "unrestricted", "measured": "restricted"}
    assert place_order(make_portfolio(cash="10000")).status == "NEW"
    (event,) = AuditEvent.objects.stream(restriction.stream)
    assert "bidder" not in str(event.payload)


def test_firm_wide_restriction_binds_everybody_until_it_is_lifted(
    portfolio: Portfolio, officer: User
) -> None:
    restriction = restrict(officer)
    with pytest.raises(Refused):
        place_order(portfolio)

    restriction_lift(actor=officer, restriction_id=restriction.id)

    assert place_order(portfolio).status == "NEW"
    with pytest.raises(Conflict):
        restriction_lift(actor=officer, restriction_id=restriction.id)


def test_restriction_holds_within_its_dates_and_for_its_symbol(
    portfolio: Portfolio, officer: User
) -> None:
    now = timezone.now()
    restrict(officer, starts_at=now + timedelta(days=1), ends_at=now + timedelta(days=2))

    held = [
        rules_read(portfolio, symbol, now + timedelta(hours=hours)).is_restricted
        for symbol, hours in (("AAPL", 1), ("AAPL", 30), ("AAPL", 49), ("MSFT", 30))
    ]

    assert held == [False, True, False, False]


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        ({"symbol": "NOPE"}, NotFound),
        ({"symbol": "no symbol"}, InvalidInput),
        ({"reason": " "}, InvalidInput),
        ({"ends_at": timezone.now() - timedelta(days=1)}, InvalidInput),
        ({"client_id": "2d0e1d3c-2a1c-4a4e-8f54-0d1c7f0f9a11"}, NotFound),
    ],
    ids=["unknown", "no-symbol", "no-reason", "over", "nobody"],
)
def test_restriction_with_bad_input_is_refused(
    portfolio: Portfolio, officer: User, terms: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        restrict(officer, **terms)

    assert not Restriction.objects.exists()


@pytest.mark.parametrize("role", [Role.OPERATIONS, Role.AUDITOR, Role.CLIENT])
def test_restricted_list_is_kept_by_compliance_only(
    portfolio: Portfolio, officer: User, role: Role
) -> None:
    restriction, stranger = restrict(officer), make_user(role)

    with pytest.raises(NotPermitted):
        restrict(stranger)
    with pytest.raises(NotPermitted):
        restriction_lift(actor=stranger, restriction_id=restriction.id)

    assert Restriction.objects.get().lifted_at is None


def test_database_keeps_what_was_restricted(portfolio: Portfolio, officer: User) -> None:
    restriction = restrict(officer)
    restriction_lift(actor=officer, restriction_id=restriction.id)

    for attempt in (
        lambda: Restriction.objects.all().delete(),
        lambda: Restriction.objects.update(lifted_at=None, lifted_by=None),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()

    assert Restriction.objects.get().lifted_by == officer
