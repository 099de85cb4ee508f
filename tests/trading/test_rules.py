"""What PostgreSQL refuses, whatever the application does."""

import pytest
from django.db import DatabaseError, connection, transaction

from tests.trading.factories import hold_units, make_portfolio

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("table", ["trading_execution", "trading_lotconsumption"])
@pytest.mark.parametrize("change", ["UPDATE {} SET quantity = 1", "DELETE FROM {}"])
def test_trade_once_recorded_stays(table: str, change: str) -> None:
    hold_units(make_portfolio(), "10")

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change.format(table))


@pytest.mark.parametrize(
    ("table", "allowed"),
    [
        ("trading_execution", {"SELECT", "INSERT"}),
        ("trading_lotconsumption", {"SELECT", "INSERT"}),
        ("trading_portfolio", {"SELECT", "INSERT"}),
        ("trading_order", {"SELECT", "INSERT", "UPDATE"}),
        ("trading_lot", {"SELECT", "INSERT", "UPDATE"}),
        ("trading_cashtransfer", {"SELECT", "INSERT", "UPDATE"}),
        ("ledger_account", {"SELECT", "INSERT"}),
        ("ledger_entry", {"SELECT", "INSERT"}),
        ("ledger_posting", {"SELECT", "INSERT"}),
    ],
)
def test_application_role_has_no_right_too_many(table: str, allowed: set[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT right_name FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE',"
            " 'TRUNCATE']) AS right_name"
            " WHERE has_table_privilege('stratford_app', %s, right_name)",
            [table],
        )
        assert {row[0] for row in cursor.fetchall()} == allowed


def test_application_role_may_rename_or_close_a_portfolio_and_not_give_it_away() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name"
            " FROM unnest(ARRAY['name', 'closed_at', 'client_id', 'mode', 'currency']) AS name"
            " WHERE has_column_privilege('stratford_app', 'trading_portfolio', name, 'UPDATE')"
        )
        assert cursor.fetchall() == [("name",), ("closed_at",)]
