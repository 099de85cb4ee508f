"""Limits as rows: proposed, confirmed by another officer, and measured by the strictest."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted, Refused
from apps.trading.domain.limits import LimitInForce, LimitKind, LimitScope, strictest
from apps.trading.models import Order, Portfolio, TradingLimit
from apps.trading.selectors.rules import rules_read
from apps.trading.services.limits import limit_confirm, limit_decline, limit_propose
from apps.trading.services.replacements import order_replace
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.trading.factories import make_market, make_portfolio, place_order, set_limit
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db
D = Decimal
LIMITED = {"order_type": "LIMIT", "limit_price": "102"}
CONCENTRATED = ("position_concentration", "0.01", "0.0200")


@pytest.fixture
def officer() -> User:
    return make_user(Role.OPERATIONS)


@pytest.fixture
def second() -> User:
    return make_user(Role.COMPLIANCE_SUPERVISOR)


@pytest.fixture
def portfolio() -> Portfolio:
    make_market()
    return make_portfolio(cash="100000")


def propose(officer: User, **terms: Any) -> TradingLimit:
    given = {
        "scope": LimitScope.FIRM,
        "kind": LimitKind.ORDER_NOTIONAL,
        "value": D(500),
        "reason": "Thin market",
    }
    return limit_propose(actor=officer, **{**given, **terms})


def refusal(portfolio: Portfolio, **terms: Any) -> Refused:
    orders = Order.objects.count()
    with pytest.raises(Refused) as refused:
        place_order(portfolio, **terms)
    assert Order.objects.count() == orders
    return refused.value


def test_firm_begins_with_the_limits_of_the_settings(settings: Settings) -> None:
    limits = TradingLimit.objects.filter(scope="FIRM", status="CONFIRMED", version=1)

    found = {row.kind: row.value for row in limits}

    assert found == {name: D(value) for name, value in settings.ORDER_LIMITS["firm"].items()}


@pytest.mark.parametrize(
    ("kind", "value", "terms", "expected"),
    [
        ("ORDER_NOTIONAL", "99", {}, ("order_notional", "99", "100")),
        ("POSITION_CONCENTRATION", "0.01", {"quantity": 20}, CONCENTRATED),
        ("ORDERS_A_DAY", "0", {}, ("daily_order_limit", "0", "0")),
        ("NOTIONAL_A_DAY", "99", {}, ("daily_notional_limit", "99", "100")),
        ("PRICE_COLLAR", "0.01", LIMITED, ("price_collar", "101", "102")),
    ],
    ids=["notional", "concentration", "orders-a-day", "notional-a-day", "collar"],
)
def test_order_beyond_a_limit_is_refused_with_the_figures(
    portfolio: Portfolio, kind: str, value: str, terms: dict[str, Any], expected: tuple[str, ...]
) -> None:
    set_limit(kind, value)

    refused = refusal(portfolio, **terms)

    assert (refused.code, refused.facts["limit"], refused.facts["measured"]) == expected


def test_order_beyond_a_limit_of_its_client_or_portfolio_is_refused(portfolio: Portfolio) -> None:
    set_limit("ORDER_NOTIONAL", "99", client=portfolio.client)
    assert refusal(portfolio).code == "order_notional"
    set_limit("ORDER_NOTIONAL", None, client=portfolio.client)
    set_limit("ORDERS_A_DAY", "0", portfolio=portfolio)
    assert refusal(portfolio).code == "daily_order_limit"
    set_limit("ORDERS_A_DAY", None, portfolio=portfolio)
    assert place_order(portfolio).status == "NEW"


def test_limit_of_somebody_else_binds_nobody(portfolio: Portfolio) -> None:
    other = make_portfolio()
    set_limit("ORDERS_A_DAY", "0", client=other.client)
    set_limit("ORDERS_A_DAY", "0", portfolio=other)

    assert place_order(portfolio).status == "NEW"


def test_strictest_of_the_scopes_counts() -> None:
    kind = LimitKind.ORDER_NOTIONAL
    limits = [
        LimitInForce(LimitScope.FIRM, kind, D(3)),
        LimitInForce(LimitScope.CLIENT, kind, D(1)),
        LimitInForce(LimitScope.PORTFOLIO, kind, D(2)),
        LimitInForce(LimitScope.FIRM, LimitKind.DUPLICATE_SECONDS, D(5)),
        LimitInForce(LimitScope.CLIENT, LimitKind.DUPLICATE_SECONDS, D(9)),
    ]

    assert strictest(limits, kind) == 1
    assert strictest(limits, kind, scopes=[LimitScope.FIRM]) == 3
    assert strictest(limits, LimitKind.DUPLICATE_SECONDS) == 9
    assert strictest(limits, LimitKind.PRICE_COLLAR) is None


def test_wider_limit_of_a_portfolio_does_not_widen_that_of_the_firm(portfolio: Portfolio) -> None:
    set_limit("ORDER_NOTIONAL", "500")
    set_limit("ORDER_NOTIONAL", "900", portfolio=portfolio)

    assert refusal(portfolio, quantity="6").facts["limit"] == "500"


def test_daily_limit_of_a_client_adds_up_all_portfolios(portfolio: Portfolio) -> None:
    other = make_portfolio(client=portfolio.client, cash="100000")
    set_limit("NOTIONAL_A_DAY", "1000", client=portfolio.client)
    place_order(portfolio, quantity="6")

    refused = refusal(other, quantity="5")

    assert refused.facts == {"limit": "1000", "measured": "1100"}
    assert place_order(other, quantity="4").status == "NEW"


def test_daily_notional_counts_what_a_replacement_adds(portfolio: Portfolio) -> None:
    set_limit("NOTIONAL_A_DAY", "1000")
    order = place_order(portfolio, order_type="LIMIT", limit_price="100", quantity="6")

    with pytest.raises(Refused) as refused:
        order_replace(
            actor=portfolio.client, order_id=order.id, client_order_id="more", quantity=D(11)
        )

    assert refused.value.facts == {"limit": "1000", "measured": "1100"}
    (event,) = AuditEvent.objects.filter(name="trading.order.refused")
    assert event.stream == order.stream
    order_replace(actor=portfolio.client, order_id=order.id, client_order_id="some", quantity=D(10))
    assert refusal(portfolio).code == "daily_notional_limit"


def test_limit_with_an_end_gives_way_to_the_one_before(portfolio: Portfolio) -> None:
    now = timezone.now()
    set_limit("ORDER_NOTIONAL", "500")
    set_limit("ORDER_NOTIONAL", "50", effective_to=now + timedelta(hours=1))
    set_limit("ORDER_NOTIONAL", "5", effective_from=now + timedelta(hours=3))

    def bound(at: timedelta) -> Decimal | None:
        rules = rules_read(portfolio, "AAPL", now + at)
        return strictest(rules.limits, LimitKind.ORDER_NOTIONAL)

    assert [bound(timedelta(hours=hours)) for hours in (0.5, 2, 4)] == [50, 500, 5]


def test_limit_that_is_lifted_bounds_nothing(portfolio: Portfolio) -> None:
    set_limit("ORDER_NOTIONAL", "50", portfolio=portfolio)
    set_limit("ORDER_NOTIONAL", None, portfolio=portfolio)

    assert place_order(portfolio).status == "NEW"


def test_rules_of_an_order_are_read_in_one_query(
    portfolio: Portfolio, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for value in ("900", "800", "700"):
        set_limit("ORDER_NOTIONAL", value, portfolio=portfolio)

    with django_assert_num_queries(1):
        rules = rules_read(portfolio, "AAPL", timezone.now())

    assert strictest(rules.limits, LimitKind.ORDER_NOTIONAL) == 700


def test_limit_proposed_changes_nothing_until_another_officer_confirms(
    portfolio: Portfolio, officer: User, second: User
) -> None:
    limit = propose(officer)
    assert place_order(portfolio, quantity="9").status == "NEW"

    limit_confirm(actor=second, limit_id=limit.id)

    assert refusal(portfolio, quantity="9").code == "order_notional"
    names = list(AuditEvent.objects.stream(limit.stream).values_list("name", "actor_id"))
    assert names == [
        ("trading.limit.proposed", officer.pk),
        ("trading.limit.confirmed", second.pk),
    ]


def test_limit_confirmed_by_its_proposer_is_refused_and_stays_a_proposal(officer: User) -> None:
    limit = propose(officer)

    with pytest.raises(NotPermitted) as refused:
        limit_confirm(actor=officer, limit_id=limit.id)

    assert refused.value.code == "four_eyes"
    assert TradingLimit.objects.get(id=limit.id).status == "PROPOSED"


def test_limit_confirmed_on_changed_data_is_refused(officer: User, second: User) -> None:
    older, newer = propose(officer), propose(officer, value=D(700))
    limit_confirm(actor=second, limit_id=newer.id)

    with pytest.raises(Conflict) as refused:
        limit_confirm(actor=second, limit_id=older.id)

    assert refused.value.code == "stale"
    assert TradingLimit.objects.get(id=older.id).status == "PROPOSED"
    limit_decline(actor=officer, limit_id=older.id)
    assert TradingLimit.objects.get(id=older.id).status == "DECLINED"


def test_limit_decided_twice_is_refused(officer: User, second: User) -> None:
    limit = propose(officer)
    limit_confirm(actor=second, limit_id=limit.id)

    for command in (limit_confirm, limit_decline):
        with pytest.raises(Conflict) as refused:
            command(actor=second, limit_id=limit.id)
        assert refused.value.code == "already_decided"


def test_limit_whose_proposer_left_is_not_confirmed(officer: User, second: User) -> None:
    limit = propose(officer)
    User.objects.filter(pk=officer.pk).update(is_active=False)

    with pytest.raises(Conflict) as refused:
        limit_confirm(actor=second, limit_id=limit.id)

    assert refused.value.code == "proposer_gone"


def test_limit_whose_period_is_over_is_not_confirmed(officer: User, second: User) -> None:
    now = timezone.now()
    limit = propose(officer, effective_to=now + timedelta(hours=1))

    with pytest.raises(Conflict) as refused:
        limit.confirm(second, newest=limit.based_on, at=now + timedelta(hours=1))

    assert refused.value.code == "period_over"


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"value": D("-1")}, "value"),
        ({"value": D("NaN")}, "value"),
        ({"value": D(10) ** 16}, "value"),
        ({"value": D("0.001")}, "value"),
        ({"kind": LimitKind.PRICE_COLLAR, "value": D("1.1")}, "value"),
        ({"kind": LimitKind.ORDERS_A_DAY, "value": D("1.5")}, "value"),
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 301}, "reason"),
        ({"owner": "NOBODY"}, "owner"),
        ({"scope": LimitScope.CLIENT}, "subject"),
        ({"client_id": "2d0e1d3c-2a1c-4a4e-8f54-0d1c7f0f9a11"}, "subject"),
        ({"effective_from": timezone.now() - timedelta(days=1)}, "effective_from"),
        ({"effective_to": timezone.now() - timedelta(days=1)}, "effective_to"),
    ],
    ids=lambda value: value if isinstance(value, str) else "case",
)
def test_limit_proposed_with_bad_input_is_refused(
    officer: User, terms: dict[str, Any], field: str
) -> None:
    count = TradingLimit.objects.count()

    with pytest.raises(InvalidInput) as refused:
        propose(officer, **terms)

    assert refused.value.facts["field"] == field
    assert TradingLimit.objects.count() == count


def test_limit_proposed_for_nobody_is_refused(officer: User, portfolio: Portfolio) -> None:
    for terms, error in (
        ({"scope": LimitScope.CLIENT, "client_id": officer.pk}, NotFound),
        ({"scope": LimitScope.PORTFOLIO, "portfolio_id": officer.pk}, NotFound),
        ({"scope": LimitScope.PORTFOLIO, "portfolio_id": portfolio.id, "value": None}, Conflict),
    ):
        with pytest.raises(error):
            propose(officer, **terms)

    assert not TradingLimit.objects.exclude(scope="FIRM").exists()


@pytest.mark.parametrize("role", [Role.CLIENT, Role.AUDITOR, Role.COMPLIANCE_OFFICER])
def test_limit_is_no_business_of_other_roles(role: Role, officer: User) -> None:
    limit, stranger = propose(officer), make_user(role)

    for command in (
        lambda: propose(stranger),
        lambda: limit_confirm(actor=stranger, limit_id=limit.id),
        lambda: limit_decline(actor=stranger, limit_id=limit.id),
    ):
        with pytest.raises(NotPermitted):
            command()

    assert TradingLimit.objects.get(id=limit.id).status == "PROPOSED"


def test_database_refuses_what_two_officers_did_not_decide(officer: User, second: User) -> None:
    open_one, done = propose(officer), propose(officer, value=D(600))
    limit_confirm(actor=second, limit_id=done.id)
    now = timezone.now()
    rows = TradingLimit.objects
    confirmed = {"status": "CONFIRMED", "version": 3, "based_on": 2, "effective_from": now}
    attempts = [
        # One officer alone, other terms than were proposed, and a decision taken back.
        lambda: rows.filter(id=open_one.id).update(
            status="CONFIRMED", version=2, decided_by=officer, effective_from=now
        ),
        lambda: rows.filter(id=open_one.id).update(value=D(9)),
        lambda: rows.filter(id=done.id).update(value=D(9)),
        lambda: rows.filter(id=done.id).update(status="DECLINED"),
        lambda: rows.filter(id=done.id).delete(),
        lambda: rows.create(
            scope="FIRM",
            kind="PRICE_COLLAR",
            value=1,
            reason="x",
            proposed_by=officer,
            decided_by=second,
            **confirmed,
        ),
    ]

    for attempt in attempts:
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()

    assert rows.get(id=open_one.id).status == "PROPOSED"
    assert rows.get(id=done.id).value == 600
