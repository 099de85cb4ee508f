"""A command happens as a whole or not at all, wherever it is stopped."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, transaction
from pytest_django import Settings

from apps.compliance.services.kyc import kyc_submit
from apps.core.domain.money import Money
from apps.trading.services.cash import deposit_receive, withdrawal_request
from tests.compliance.factories import fill_kyc
from tests.trading.factories import make_market, make_portfolio, place_order
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db
Command = Callable[[], object]


def order() -> Command:
    make_market()
    portfolio = make_portfolio(cash="5000")
    return lambda: place_order(portfolio, quantity="3")


def transfer(command: Callable[..., object]) -> Command:
    portfolio = make_portfolio(cash="500")
    key = uuid4().hex
    return lambda: command(
        actor=portfolio.client,
        portfolio_id=portfolio.id,
        amount=Money.of("100.25", "USD"),
        idempotency_key=key,
    )


def submission() -> Command:
    client = make_user()
    fill_kyc(client)
    return lambda: kyc_submit(actor=client)


COMMANDS: dict[str, Callable[[], Command]] = {
    "order_place": order,
    "deposit_receive": lambda: transfer(deposit_receive),
    "withdrawal_request": lambda: transfer(withdrawal_request),
    "kyc_submit": submission,
}


@pytest.fixture(autouse=True)
def _no_gates(settings: Settings) -> None:
    settings.PRE_TRADE_CHECKS = settings.CASH_CHECKS = []


@contextmanager
def stopped_at(number: int) -> Iterator[None]:
    """Let the database fail at that statement, counted from 1."""
    statements = count(1)

    def execute(run: Callable[..., Any], *args: Any) -> Any:
        if next(statements) == number:
            raise OperationalError("The server was stopped here.")
        return run(*args)

    with connection.execute_wrapper(execute):
        yield


def everything() -> set[tuple[str, int, str]]:
    """Return each table's number of rows and a hash of them."""
    tables = [
        name
        for name in connection.introspection.table_names()
        if name.startswith(("audit_", "compliance_kyc", "ledger_", "trading_"))
    ]
    one = (
        "SELECT '{0}', count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '')"
        " FROM {0} t"
    )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(one.format(name) for name in tables))
        return set(cursor.fetchall())


def killed_before_commit(command: Command) -> None:
    with transaction.atomic():
        before = everything()
        command()
        assert everything() != before
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize("name", COMMANDS)
def test_asvs_v2_3_3_command_stopped_at_any_statement_leaves_nothing(name: str) -> None:
    command = COMMANDS[name]()
    before = everything()

    for number in count(1):
        try:
            with stopped_at(number):
                command()
        except OperationalError:
            assert everything() == before, f"statement {number}"
        else:
            break

    assert number > 8
    changed = {table for table, _, _ in everything() - before}
    assert "audit_auditevent" in changed
    assert len(changed) > 1


@pytest.mark.django_db(transaction=True)
def test_asvs_v2_3_3_command_whose_connection_is_killed_before_the_commit_leaves_nothing() -> None:
    for name, prepare in COMMANDS.items():
        command = prepare()
        before = everything()

        with pytest.raises(OperationalError):
            killed_before_commit(command)
        connection.close()

        assert everything() == before, name
