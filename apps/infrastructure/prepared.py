"""Statements of the busiest paths: written once, and prepared by the server once a connection.

Rows come and go as the ORM's own models, without the ORM writing the SQL anew each time.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, LiteralString, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections, models
from psycopg.sql import SQL, Composable, Identifier

ModelT = TypeVar("ModelT", bound=models.Model)


def run_prepared(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run a statement on the default database and return its rows (none for one without rows).

    The parameters are bound by the server, so the text stays the same and is prepared after a few
    calls; Django's own cursors write the parameters into the text.  Errors and counts of queries
    are as with any other statement of Django's.
    """
    here = connections[DEFAULT_DB_ALIAS]
    here.ensure_connection()
    bound: Any = psycopg.Cursor(here.connection)
    cursor = here.make_debug_cursor(bound) if here.queries_logged else here.make_cursor(bound)
    cursor.execute(statement, parameters)
    has_rows = bound.rownumber is not None
    return bound.fetchall() if has_rows else []


def load_rows(model: type[ModelT], tail: str, parameters: Sequence[Any]) -> list[ModelT]:
    """Return the model's rows; `tail` is what follows the table: WHERE, ORDER BY, FOR UPDATE."""
    found = run_prepared(f"{_select(model)} {tail}", parameters)
    here, names, converters = connections[DEFAULT_DB_ALIAS], _names(model), _converters(model)
    rows = []
    for values in map(list, found):
        for place, convert, column in converters:
            values[place] = convert(values[place], column, here)
        rows.append(model.from_db(here.alias, names, values))
    return rows


def insert_row(row: models.Model) -> None:
    """Insert a row whose key is known; what the model fills in (times) it fills in."""
    statement, fields = _insert(type(row))
    run_prepared(statement, _values(row, fields, add=True))
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def update_row(row: models.Model, *names: str) -> None:
    """Write those columns of the row, and `updated_at`."""
    statement, fields = _update(type(row), (*names, "updated_at"))
    run_prepared(statement, [*_values(row, fields, add=False), row.pk])


def _values(row: models.Model, fields: Sequence[Any], *, add: bool) -> list[Any]:
    here = connections[DEFAULT_DB_ALIAS]
    return [field.get_db_prep_save(field.pre_save(row, add=add), here) for field in fields]


@cache
def _names(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


@cache
def _converters(model: type[models.Model]) -> list[tuple[int, Any, Any]]:
    """Return what makes Python's values of the database's (JSON, ciphertext), by column."""
    fields: Sequence[Any] = model._meta.concrete_fields
    return [
        (place, convert, field.cached_col)
        for place, field in enumerate(fields)
        for convert in field.get_db_converters(connections[DEFAULT_DB_ALIAS])
    ]


@cache
def _select(model: type[models.Model]) -> str:
    columns = _columns(model._meta.concrete_fields)
    return _text("SELECT {} FROM {}", SQL(", ").join(columns), Identifier(model._meta.db_table))


@cache
def _insert(model: type[models.Model]) -> tuple[str, Sequence[Any]]:
    fields = model._meta.concrete_fields
    columns, places = SQL(", ").join(_columns(fields)), SQL(", ").join([SQL("%s")] * len(fields))
    table = Identifier(model._meta.db_table)
    return _text("INSERT INTO {} ({}) VALUES ({})", table, columns, places), fields


@cache
def _update(model: type[models.Model], names: tuple[str, ...]) -> tuple[str, Sequence[Any]]:
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    changes = SQL(", ").join(SQL("{} = %s").format(column) for column in _columns(fields))
    [key] = _columns([model._meta.pk])
    table = Identifier(model._meta.db_table)
    return _text("UPDATE {} SET {} WHERE {} = %s", table, changes, key), fields


def _columns(fields: Sequence[Any]) -> list[Identifier]:
    return [Identifier(field.column) for field in fields]


def _text(template: LiteralString, *parts: Composable) -> str:
    return SQL(template).format(*parts).as_string()
