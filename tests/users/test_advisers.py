"""Advisers: who gives them a client, what they read then, and what they never do."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted
from apps.trading.models import Order
from apps.trading.selectors.portfolios import portfolio_list
from apps.trading.services.orders import order_cancel
from apps.users.domain.roles import Role
from apps.users.models import AdviserAssignment, User
from apps.users.selectors import client_list
from apps.users.services.advisers import adviser_assign, adviser_unassign
from tests.trading.factories import make_portfolio
from tests.users.factories import make_user
from tests.users.world import make_account, visitor, visitor_of


@pytest.mark.django_db
def test_assignment_opens_the_account_and_its_end_closes_it() -> None:
    administrator, adviser = make_user(Role.ADMINISTRATOR), make_user(Role.ADVISER)
    portfolio = make_portfolio()
    assert not portfolio_list(adviser)

    made = adviser_assign(actor=administrator, adviser_id=adviser.pk, client_id=portfolio.client_id)
    assert list(portfolio_list(adviser)) == [portfolio]
    assert list(client_list(adviser)) == [portfolio.client]

    adviser_unassign(actor=administrator, assignment_id=made.pk)
    assert not portfolio_list(adviser)
    events = AuditEvent.objects.stream(made.stream).values_list("name", flat=True)
    assert list(events) == ["users.adviser.assigned", "users.adviser.unassigned"]
    with pytest.raises(Conflict):
        adviser_unassign(actor=administrator, assignment_id=made.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_assignment_by_anybody_but_an_administrator_is_refused(role: Role) -> None:
    adviser, client = make_user(Role.ADVISER), make_user()

    with pytest.raises(NotPermitted):
        adviser_assign(actor=make_user(role), adviser_id=adviser.pk, client_id=client.pk)
    assert not AdviserAssignment.objects.exists()


@pytest.mark.django_db
def test_assignment_of_somebody_who_is_no_adviser_or_no_client_is_refused() -> None:
    administrator, adviser, client = (
        make_user(role) for role in (Role.ADMINISTRATOR, Role.ADVISER, Role.CLIENT)
    )
    for adviser_id, client_id in ((client.pk, client.pk), (adviser.pk, adviser.pk)):
        with pytest.raises(InvalidInput):
            adviser_assign(actor=administrator, adviser_id=adviser_id, client_id=client_id)
    with pytest.raises(NotPermitted):
        adviser_assign(actor=administrator, adviser_id=administrator.pk, client_id=client.pk)
    assert not AdviserAssignment.objects.exists()


@pytest.mark.django_db
def test_adviser_who_lost_the_role_reads_nothing() -> None:
    account = make_account()
    adviser = visitor_of(Role.ADVISER, account["client"]).user
    assert adviser is not None
    adviser.groups.clear()

    assert not portfolio_list(User.objects.get(pk=adviser.pk))


@pytest.mark.django_db
def test_adviser_reads_the_orders_of_the_client_and_cancels_none() -> None:
    account = make_account()
    adviser = visitor_of(Role.ADVISER, account["client"])
    order = f"/api/v1/orders/{account['order_id']}"

    assert adviser.ask("GET", order).status_code == 200
    assert adviser.ask("POST", f"{order}/cancel").status_code == 404
    assert adviser.user is not None
    with pytest.raises(NotFound):
        order_cancel(actor=adviser.user, order_id=account["order_id"])
    assert Order.objects.get(pk=account["order_id"]).status == "NEW"


@pytest.mark.django_db
def test_look_of_an_adviser_at_a_client_is_on_record() -> None:
    account = make_account()
    adviser = visitor_of(Role.ADVISER, account["client"])
    assert adviser.user is not None
    adviser.browser.get(f"/clients/{account['client_id']}/")

    event = AuditEvent.objects.get(name="audit.access.made", actor_id=adviser.user.pk)
    assert event.payload["objects"] == {"client_id": str(account["client_id"])}


@pytest.mark.django_db
def test_auditor_reads_every_account_and_a_client_only_their_own() -> None:
    first, second = make_portfolio(), make_portfolio()
    auditor = make_user(Role.AUDITOR)

    assert set(portfolio_list(auditor)) == {first, second}
    assert list(portfolio_list(first.client)) == [first]


@pytest.mark.django_db
def test_assignment_on_the_desk_asks_for_a_fresh_second_factor() -> None:
    administrator = visitor(make_user(Role.ADMINISTRATOR, with_totp=True))
    adviser, client = make_user(Role.ADVISER), make_user()

    answer: Any = administrator.browser.post(
        "/admin/users/adviserassignment/assign/",
        {"adviser": str(adviser.pk), "client": str(client.pk)},
    )

    assert b"step_up" in answer.content
    assert not AdviserAssignment.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_asvs_v15_4_2_assignments_at_the_same_moment_make_one() -> None:
    administrator, adviser, client = (
        make_user(role) for role in (Role.ADMINISTRATOR, Role.ADVISER, Role.CLIENT)
    )
    start = Barrier(4)

    def assign(_: int) -> bool:
        try:
            start.wait(timeout=30)
            adviser_assign(actor=administrator, adviser_id=adviser.pk, client_id=client.pk)
        except Conflict:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(assign, range(4))) == [False, False, False, True]
    assert AdviserAssignment.objects.live().count() == 1
