"""Neighbours that are slow: every wait has the bound that docs/operations.md names."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from inspect import signature

import psycopg
import pytest
import redis
from django.conf import settings as project
from django.core.cache import cache
from django.core.mail import get_connection
from django.db import connection
from psycopg_pool import ConnectionPool
from pymongo.errors import PyMongoError
from pytest_django.fixtures import Settings

from apps.infrastructure.documents import collection, database
from apps.infrastructure.keyvalue import redis_client
from apps.infrastructure.resilience import breaker
from stratford.embedded import BASE_DIR
from stratford.settings import DATABASE_OPTIONS

TABLE = re.compile(r"^\| ([^|]+) \| (\d+) \|$", re.MULTILINE)


def documented() -> dict[str, int]:
    text = (BASE_DIR / "docs" / "operations.md").read_text()
    section = text.partition("## Pools and time-outs")[2].partition("\n## ")[0]
    return {name: int(value) for name, value in TABLE.findall(section)}


@pytest.mark.django_db
def test_asvs_v13_2_6_documented_bounds_are_those_in_force() -> None:
    pool = DATABASE_OPTIONS["pool"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM current_setting('statement_timeout')::interval)::int,"
            " extract(epoch FROM current_setting('idle_in_transaction_session_timeout')::interval)"
            "::int"
        )
        statement, idle = cursor.fetchone()
    keyvalue = redis_client().connection_pool.connection_kwargs
    documents = database().client.options
    defaults = signature(breaker).parameters

    assert documented() == {
        "database connections a process and database, most": pool["max_size"],
        "wait for a free database connection": pool["timeout"],
        "connect to a database": DATABASE_OPTIONS["connect_timeout"],
        "one database statement": statement,
        "an idle transaction": idle,
        "connect to Redis": keyvalue["socket_connect_timeout"],
        "one answer of Redis, asked at most twice": keyvalue["socket_timeout"],
        "find the document store": documents.server_selection_timeout,
        "one answer of the document store": documents.pool_options.socket_timeout,
        "one answer of the mail server": project.EMAIL_TIMEOUT,
        "failures before a circuit breaker opens, in a row": defaults["failures"].default,
        "pause of an open circuit breaker": defaults["pause_seconds"].default,
    }


@pytest.mark.django_db
def test_asvs_v13_2_6_pool_of_the_application_is_bounded() -> None:
    pool = connection.pool  # type: ignore[attr-defined]
    assert isinstance(pool, ConnectionPool)
    assert (pool.max_size, pool.timeout) == (12, 5)


@pytest.fixture
def silent() -> Iterator[int]:
    """Return a port that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield int(listener.getsockname()[1])


def _seconds(ask: Callable[[], object], errors: tuple[type[Exception], ...]) -> float:
    started_at = time.monotonic()
    with pytest.raises(errors):
        ask()
    return time.monotonic() - started_at


def test_asvs_v13_2_6_dependency_that_never_answers_costs_a_bounded_time(
    settings: Settings, silent: int
) -> None:
    """All are asked at once; each must give up by itself, within its bound and a second."""
    settings.REDIS_URL = f"redis://127.0.0.1:{silent}/0"
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": settings.REDIS_URL}}
    settings.MONGO_URL = f"mongodb://127.0.0.1:{silent}/stratford"
    settings.EMAIL_TIMEOUT = 1
    mail = get_connection(
        "django.core.mail.backends.smtp.EmailBackend", host="127.0.0.1", port=silent
    )
    connect = {"host": "127.0.0.1", "port": silent, "user": "app"}

    def ask_database() -> object:
        return psycopg.connect(**connect, connect_timeout=DATABASE_OPTIONS["connect_timeout"])  # type: ignore[arg-type]

    asked: dict[str, tuple[Callable[[], object], tuple[type[Exception], ...], float]] = {
        "database": (ask_database, (psycopg.OperationalError,), 3),
        "redis": (redis_client().ping, (redis.RedisError,), 4),
        "cache": (lambda: cache.get("x"), (redis.RedisError,), 4),
        "documents": (lambda: collection("x").find_one({}), (PyMongoError,), 3),
        "mail": (mail.open, (OSError,), 1),
    }
    with ThreadPoolExecutor(len(asked)) as pool:
        waits = {name: pool.submit(_seconds, item[0], item[1]) for name, item in asked.items()}
    late = {
        name: wait.result() for name, wait in waits.items() if wait.result() > asked[name][2] + 1
    }
    database().client.close()

    assert late == {}
