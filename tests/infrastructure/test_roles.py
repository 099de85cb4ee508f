"""What the application's database role may not do."""

import secrets
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections

from apps.compliance.services.alerts import alert_confirm
from apps.infrastructure import keys
from tests.compliance.alert_factories import make_officer, make_proposed

APPEND_ONLY = (
    *("audit_auditevent", "audit_checkpoint", "ledger_entry", "ledger_posting"),
    *("trading_execution", "trading_lotconsumption"),
    *("compliance_alertevidence", "compliance_alertnote", "infrastructure_datakey"),
)
AsApplication = psycopg.Connection[tuple[object, ...]]


@pytest.mark.django_db(databases=["default", "timescale"])
@pytest.mark.parametrize("database", ["default", "timescale"])
@pytest.mark.parametrize(
    ("privilege", "is_given"),
    [("SELECT", True), ("INSERT", False), ("UPDATE", False), ("DELETE", False)],
)
def test_history_of_migrations_is_only_read_by_the_application(
    database: str, privilege: str, is_given: bool
) -> None:
    with connections[database].cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege('stratford_app', 'django_migrations', %s)", [privilege]
        )
        assert cursor.fetchone() == (is_given,)


@pytest.fixture(params=["default", "timescale"])
def application(request: pytest.FixtureRequest, db: None) -> Iterator[AsApplication]:
    """Connect to the tests' own databases as the role that runs the application."""
    database = settings.DATABASES[request.param]
    with psycopg.connect(
        host=database["HOST"], dbname=database["NAME"], user="stratford_app", autocommit=True
    ) as opened:
        yield opened


def test_asvs_v13_2_2_application_has_no_right_over_the_server(application: AsApplication) -> None:
    found = application.execute(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
        " FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    assert found == (False,) * 5
    memberships = application.execute(
        "SELECT count(*) FROM pg_auth_members WHERE member = current_user::regrole"
    ).fetchone()
    assert memberships == (0,)
    owned = application.execute(
        "SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole"
    ).fetchone()
    assert owned == (0,)


@pytest.mark.parametrize(
    "statement",
    [
        *("CREATE TABLE mine (id int)", "CREATE SCHEMA mine", "CREATE ROLE mine"),
        *("CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE DATABASE mine"),
        *("DROP TABLE django_migrations", "ALTER TABLE django_migrations ADD COLUMN mine int"),
        *("TRUNCATE django_migrations", "ALTER TABLE django_migrations DISABLE TRIGGER ALL"),
        *("SET session_replication_role = replica", "SET ROLE stratford_owner"),
        *("ALTER ROLE stratford_app SUPERUSER", "SET SESSION AUTHORIZATION postgres"),
        *("COPY (SELECT 1) TO '/tmp/mine'", "COPY (SELECT 1) TO PROGRAM 'true'"),
        *("SELECT pg_read_file('/etc/passwd')", "CREATE EXTENSION pg_stat_statements"),
        "ALTER SYSTEM SET fsync = off",
    ],
)
def test_asvs_v13_2_2_application_has_no_ddl_and_no_way_out(
    application: AsApplication, statement: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        application.execute(statement)


@pytest.mark.parametrize("application", ["default"], indirect=True)
@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}"]
)
def test_asvs_v13_2_2_application_cannot_change_what_has_happened(
    application: AsApplication, table: str, statement: str
) -> None:
    if table.startswith("audit_"):
        statement = statement.replace("id = id", "hash = hash")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        application.execute(statement.format(table))


@pytest.mark.parametrize("application", ["default"], indirect=True)
def test_application_makes_the_first_key_of_a_class_and_no_later_one(
    application: AsApplication,
) -> None:
    """A newer version is what lets an append-only row pass once more."""
    insert = (
        "INSERT INTO infrastructure_datakey (data_class, version, key_id, wrapped, kek_id)"
        " VALUES ('t-roles', %s, %s, '', '')"
    )
    application.autocommit = False
    application.execute(insert, [1, secrets.token_bytes(8)])
    with pytest.raises(psycopg.errors.RaiseException, match="owner"):
        application.execute(insert, [2, secrets.token_bytes(8)])
    application.rollback()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("application", ["default"], indirect=True)
def test_application_cannot_encrypt_a_closed_alert_again(application: AsApplication) -> None:
    alert = alert_confirm(actor=make_officer(), alert_id=make_proposed(make_officer()).id)
    newer = keys.drafted("compliance", 2)
    newer.save()
    change = (
        "UPDATE compliance_alert SET note = overlay(note placing %s from 2 for 8) WHERE id = %s"
    )
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        application.execute(change, [bytes(newer.key_id), alert.id])
    with connection.cursor() as cursor:
        cursor.execute(change, [bytes(newer.key_id), alert.id])
        assert cursor.rowcount == 1


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["audit_auditevent", "audit_checkpoint"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET hash = hash", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_asvs_v16_4_2_trail_refuses_change_even_by_its_owner(table: str, statement: str) -> None:
    with (
        connection.cursor() as cursor,
        pytest.raises(Exception, match="append-only") as refused,
    ):
        cursor.execute(statement.format(table))
    assert isinstance(refused.value.__cause__, psycopg.errors.InsufficientPrivilege)
