"""Rotation of all keys while the system serves: resumable, in bounded batches, losing nothing.

What is left to do can be read from the data itself (an older version that is not retired, a key
under an older key-encryption key, a value under an older data key), so a run that was killed needs
no notes to go on.  Old keys stay readable all the time.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

from django.db import connections, router, transaction
from django.db.models import Max, QuerySet
from django.db.models.functions import Now
from psycopg import sql

from apps.core.errors import Conflict
from apps.infrastructure import keys
from apps.infrastructure.encryption import EncryptedField, data_classes, encrypted_fields
from apps.infrastructure.keys import INDEX_CLASS
from apps.infrastructure.models import DataKey

LOCK = 7_105_002
# For a value that is encrypted already and on its way to the database.
GRACE_SECONDS = 2.0
# Between two looks at rows that somebody holds, or at transactions that are open.
PAUSE_SECONDS = 0.2


@dataclass(frozen=True)
class Progress:
    """How far one part of the work is, in rows."""

    part: str
    done: int
    total: int


Report = Callable[[Progress], None]


def keys_rotate(*, report: Report, rows: int | None = None) -> int:
    """Bring every stored value under a new data key, wrapped by a new key-encryption key.

    Goes on with a run that was interrupted.  `rows` limits a batch.  Returns how many values were
    encrypted again.  Raises Conflict while another rotation runs, Unavailable when the key service
    does not answer, DecryptionError for a value that cannot be read (nothing is skipped).
    """
    with _alone():
        if not _unfinished():
            _begin()
        _rewrap(report)
        keys.forget()
        count = sum(_rekey(field, report, rows) for field in encrypted_fields())
        _wait_for_writers(report)
        while left := sum(_rekey(field, report, rows) for field in encrypted_fields()) or _old():
            count += left
            time.sleep(PAUSE_SECONDS)
        _retire()
        return count


def _unfinished() -> bool:
    """Whether a run was interrupted: some class has an older version that is still needed."""
    return _superseded().exists()


def _superseded() -> QuerySet[DataKey]:
    newest = DataKey.objects.values("data_class").annotate(newest=Max("version"))
    current = {row["data_class"]: row["newest"] for row in newest}
    old = DataKey.objects.filter(retired_at=None)
    for data_class, version in current.items():
        old = old.exclude(data_class=data_class, version=version)
    return old


def _begin() -> None:
    """Make a new key-encryption key, and under it the next version of every class, all at once."""
    keys.asked(keys.provider().rotate)
    drafts = []
    for data_class in data_classes():
        row = keys.newest(data_class)
        if row is None or data_class != INDEX_CLASS:
            drafts.append(keys.drafted(data_class, row.version + 1 if row else 1))
    # The provider may be slow, and `created_at` is when the transaction began: the wait for other
    # processes counts from it, so the rows must be seen at once.
    with transaction.atomic():
        for draft in drafts:
            draft.save(force_insert=True)


def _rewrap(report: Report) -> None:
    current = keys.asked(keys.provider().current)
    rows = list(DataKey.objects.exclude(kek_id=current).order_by("id"))
    for done, row in enumerate(rows, start=1):
        before = row.kek_id
        keys.rewrapped(row)
        DataKey.objects.filter(pk=row.pk, kek_id=before).update(
            kek_id=row.kek_id, wrapped=row.wrapped
        )
        report(Progress("keys", done, len(rows)))


def _alias(field: EncryptedField) -> str:
    return router.db_for_write(field.model)


# The key id of a ciphertext is the eight bytes after the version.
COUNT = "SELECT count(*) FROM {table} WHERE substring({column} from 2 for 8) <> %s"
SELECT = (
    "SELECT {pk}, {row}, {column} FROM {table}"
    " WHERE substring({column} from 2 for 8) <> %s AND {pk} > %s"
    " ORDER BY {pk} LIMIT %s FOR NO KEY UPDATE SKIP LOCKED"
)
SELECT_FIRST = SELECT.replace(" AND {pk} > %s", "")
UPDATE = (
    "UPDATE {table} SET {column} = fresh.token"
    " FROM unnest(%s::{type}[], %s::bytea[]) AS fresh (pk, token)"
    " WHERE {table}.{pk} = fresh.pk"
)


def _statement(text: LiteralString, field: EncryptedField) -> sql.Composed:
    meta = field.model._meta
    return sql.SQL(text).format(
        table=sql.Identifier(meta.db_table),
        column=sql.Identifier(field.column),
        pk=sql.Identifier(meta.pk.column),
        row=sql.Identifier(field.row_field.column),
        type=sql.SQL(str(meta.pk.db_type(connections[_alias(field)]))),
    )


def _old_count(field: EncryptedField) -> int:
    with connections[_alias(field)].cursor() as cursor:
        cursor.execute(_statement(COUNT, field), [keys.current_key(field.data_class).header_id])
        return int(cursor.fetchone()[0])


def _old() -> int:
    return sum(_old_count(field) for field in encrypted_fields())


def _rekey(field: EncryptedField, report: Report, rows: int | None) -> int:
    """Go once through the column; return how many values were encrypted again."""
    total, done, after = _old_count(field), 0, None
    while total:
        batch, last = _rekey_batch(field, after, rows or field.rotation_rows)
        if last is None:
            break
        done, after = done + batch, last
        report(Progress(f"{field.model._meta.db_table}.{field.column}", done, max(done, total)))
    return done


def _rekey_batch(field: EncryptedField, after: Any, rows: int) -> tuple[int, Any]:
    """Encrypt the next rows again; return how many, and the primary key to go on from.

    Rows that somebody holds are left for the next pass: this never waits for a lock, so it cannot
    be part of a deadlock, and it never writes over a value that it has not read under the lock.
    """
    key, alias = keys.current_key(field.data_class).header_id, _alias(field)
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        if after is None:
            cursor.execute(_statement(SELECT_FIRST, field), [key, rows])
        else:
            cursor.execute(_statement(SELECT, field), [key, after, rows])
        found = cursor.fetchall()
        if not found:
            return 0, None
        tokens = [field.rekeyed(bytes(token), row) for _, row, token in found]
        cursor.execute(_statement(UPDATE, field), [[pk for pk, _, _ in found], tokens])
    return len(found), found[-1][0]


def _wait_for_writers(report: Report) -> None:
    """Wait until nobody can still write under an old key.

    Every process asks for the current key again after VERSION_SECONDS; what was encrypted before
    that is stored when every transaction that was open then has ended.
    """
    newest = DataKey.objects.aggregate(at=Max("created_at"), now=Max(Now()))
    age = (newest["now"] - newest["at"]).total_seconds()
    wait = keys.VERSION_SECONDS + GRACE_SECONDS
    while age < wait:
        report(Progress("wait for every process", int(age), int(wait)))
        time.sleep(min(PAUSE_SECONDS, wait - age))
        age += PAUSE_SECONDS
    with connections[router.db_for_write(DataKey)].cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text")
        horizon = cursor.fetchone()[0]
        while True:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot()) > %s::xid8", [horizon])
            if cursor.fetchone()[0]:
                return
            report(Progress("wait for open transactions", 0, 1))
            time.sleep(PAUSE_SECONDS)


def _retire() -> None:
    _superseded().exclude(data_class=INDEX_CLASS).update(retired_at=Now())


@contextmanager
def _alone() -> Iterator[None]:
    with connections[router.db_for_write(DataKey)].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            raise Conflict("Another rotation runs.", code="rotation_running")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
