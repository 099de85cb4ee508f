"""What the application's database role may not do."""

import pytest
from django.db import connections


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
