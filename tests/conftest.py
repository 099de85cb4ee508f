"""Fixtures that every test may use."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.cache import cache
from django.db import connections
from django.db.backends.postgresql.operations import DatabaseOperations
from hypothesis import settings
from psycopg.sql import SQL, Identifier
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile
from xdist.scheduler import LoadScopeScheduling

from apps.infrastructure import keys
from apps.infrastructure.cache import clear_local_caches
from tests.services import DATABASES, OWN_FOLDER, templates_migrate

# What every migration makes again, the same each time.
FLUSHED_NEVER = frozenset({"django_content_type", "auth_permission"})
# The same examples on every machine, however slow it is.
settings.load_profile("ci")


class Parts(LoadScopeScheduling):
    """Keep each part whose tests share servers on one worker, and spread all other tests.

    The group marks of xdist 3.8 have no effect under pytest 9.
    """

    def _split_scope(self, nodeid: str) -> str:
        part = nodeid.split("/")[1]
        return part if part in {"deploy", "e2e"} else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Parts:
    return Parts(config, log)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Make the test databases from migrated ones: migrating takes half a minute of a processor."""
    if OWN_FOLDER not in os.environ:
        return
    templates_migrate(Path(os.environ[OWN_FOLDER]) / "migrated")
    for alias in DATABASES:
        database = connections[alias].settings_dict
        database["TEST"]["TEMPLATE"] = database["NAME"]


@pytest.fixture(autouse=True, scope="session")
def _flush_by_rows() -> Iterator[None]:
    """Empty only tables with rows between transactional tests: few have some, and truncating all of
    them makes a thousand files anew.  Past the triggers that keep the append-only ones.
    """

    def sql_flush(self: DatabaseOperations, style: Any, tables: Any, **options: Any) -> list[str]:
        names = [Identifier(name) for name in tables if name not in FLUSHED_NEVER]
        asked = SQL(", ").join(SQL("EXISTS (SELECT FROM {})").format(name) for name in names)
        with self.connection.cursor() as cursor:
            cursor.execute(SQL("SELECT {}").format(asked))
            has_rows = cursor.fetchone()
        return [
            "SET session_replication_role = replica",
            *(
                SQL("DELETE FROM {}").format(name).as_string()
                for name, is_filled in zip(names, has_rows, strict=True)
                if is_filled
            ),
            "SET session_replication_role = DEFAULT",
        ]

    patch = pytest.MonkeyPatch()
    patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()
    clear_local_caches()
    keys.forget()


@pytest.fixture(autouse=True, scope="session")
def _static_files_listed_once() -> Iterator[None]:
    """Look for static files once: each test client makes the middleware anew, which reads them."""
    listed: dict[str, StaticFile] = {}
    look = WhiteNoiseMiddleware.add_files_from_finders

    def add_files(self: WhiteNoiseMiddleware) -> None:
        if not listed:
            look(self)
            listed.update(self.files)
        self.files.update(listed)

    patch = pytest.MonkeyPatch()
    patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add_files)
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def _cheap_passwords() -> Iterator[None]:
    """Hash passwords as in production, with less memory and time: hundreds of tests make users."""
    patch = pytest.MonkeyPatch()
    patch.setattr(Argon2PasswordHasher, "memory_cost", 64)
    patch.setattr(Argon2PasswordHasher, "time_cost", 1)
    patch.setattr(Argon2PasswordHasher, "parallelism", 1)
    yield
    patch.undo()
