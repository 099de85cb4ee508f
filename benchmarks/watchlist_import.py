"""Import OFAC and UN, then rescreen 10,000 clients after a delta of 50 entries.

    STRATFORD_REFERENCE_DATA=folder python benchmarks/watchlist_import.py [clients]

Starts services of its own in a new folder.  The reference of the import is a bare COPY of the same
names into a table without keys or indexes; that of the delta is a full screening of a sample of the
clients.  Before the delta the process is where a worker stands after a restart: the calendar is
loaded, the index of the old lists is in the database, none is in memory.  Fails when both lists
take 60 seconds or the delta 5 seconds of worker time.
"""

import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SAMPLE = 300
DELTA = 50


def bare_copy() -> float:
    """Return the seconds that a COPY of the names alone takes."""
    from django.db import connection, transaction  # noqa: PLC0415

    from apps.compliance.models import WatchlistName  # noqa: PLC0415

    rows = list(WatchlistName.objects.values_list("entity_id", "name"))
    began = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE bare (entity bigint, name text) ON COMMIT DROP")
        with cursor.copy("COPY bare FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    return time.perf_counter() - began


def make_clients(count: int) -> None:
    """Create clients of the firm, screened with the lists in force; one in 500 is listed."""
    from django.utils import timezone  # noqa: PLC0415
    from faker import Faker  # noqa: PLC0415

    from apps.compliance.domain.matching import MATCHER_VERSION, Subject  # noqa: PLC0415
    from apps.compliance.models import KycRecord, ScreenedClient, WatchlistName  # noqa: PLC0415
    from apps.compliance.selectors.screening import (  # noqa: PLC0415
        subject_as_json,
        versions_in_force,
    )
    from apps.users.models import User  # noqa: PLC0415

    fake = Faker(["en_US", "de_DE", "fr_FR", "es_ES", "ru_RU", "pl_PL"])
    fake.seed_instance(1)
    rows = WatchlistName.objects.filter(entity__kind="PERSON", entity__removed_in=None)
    names = list(rows.order_by("id").values_list("name", flat=True))
    users = User.objects.bulk_create(User(email=f"{n}@x.example") for n in range(count))
    records = KycRecord.objects.bulk_create(
        KycRecord(client=user, status="APPROVED", risk_rating="LOW") for user in users
    )
    versions, now = versions_in_force(), timezone.now()
    ScreenedClient.objects.bulk_create(
        ScreenedClient(
            record=record,
            subject=subject_as_json(
                Subject(
                    "PERSON",
                    (
                        names[number % len(names)]
                        if number % 500 == 0
                        else f"{fake.first_name()} {fake.last_name()}",
                    ),
                    ("1980-01-01",),
                    ("GB",),
                )
            ),
            list_versions=versions,
            matcher_version=MATCHER_VERSION,
            checked_at=now,
        )
        for number, record in enumerate(records)
    )


def stand_as_a_worker() -> None:
    """Bring the process to where a worker is that was restarted before the lists change."""
    from django.utils import timezone  # noqa: PLC0415

    from apps.compliance.domain.business_calendar import is_exchange_day  # noqa: PLC0415
    from apps.compliance.models import WatchlistEntity  # noqa: PLC0415
    from apps.compliance.selectors import name_indexes  # noqa: PLC0415

    for kind in WatchlistEntity.Kind:
        name_indexes.name_index(kind)
    name_indexes.indexes_forget()
    is_exchange_day(timezone.now().date())


def change_un(source: Path, target: Path) -> None:
    """Write the UN's list with the birth dates of 50 people changed."""
    text = source.read_text(encoding="utf-8")
    parts = text.split("<INDIVIDUAL>")
    for at in random.Random(1).sample(range(1, len(parts)), DELTA):
        parts[at] = "<GENDER>Female</GENDER>" + parts[at].replace("<GENDER>Male</GENDER>", "")
    target.write_text("<INDIVIDUAL>".join(parts), encoding="utf-8")


def measure(folder: Path, clients: int) -> int:
    import django  # noqa: PLC0415

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    from apps.compliance.models import ScreenedClient, ScreeningRun  # noqa: PLC0415
    from apps.compliance.selectors.screening import (  # noqa: PLC0415
        candidates_of,
        subject_from_json,
    )
    from apps.compliance.services import screening  # noqa: PLC0415
    from apps.compliance.services.rescreening import clients_rescreen  # noqa: PLC0415
    from apps.compliance.services.watchlists import watchlist_import  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    data = Path(os.environ["STRATFORD_REFERENCE_DATA"])
    un = data / "un" / "UN_consolidated.xml"

    def timed(work: Any) -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    took = 0.0
    for path, code in ((data / "ofac", "OFAC-SDN"), (data / "ofac", "OFAC-CONS"), (un, "UN")):
        seconds = timed(lambda: watchlist_import(actor=None, path=path, list_code=code))  # noqa: B023
        again = timed(lambda: watchlist_import(actor=None, path=path, list_code=code))  # noqa: B023
        print(f"{code}: {seconds:.2f} s; the same file again {again:.2f} s")
        took += seconds
    bare = bare_copy()
    print(f"all lists {took:.2f} s; a bare COPY of the names {bare:.2f} s; {took / bare:.0f} times")
    make_clients(clients)
    stand_as_a_worker()
    changed = folder / "un.xml"
    change_un(un, changed)
    version = watchlist_import(actor=None, path=changed, list_code="UN")
    # Rating needs answers, which these clients never gave.
    screening.record_rate = lambda record: None
    began, worked = time.perf_counter(), time.process_time()
    count = clients_rescreen(limit=clients + 1)
    elapsed, worked = time.perf_counter() - began, time.process_time() - worked
    touched = ScreeningRun.objects.count()
    print(
        f"delta of {version.changed_count} against {count:,} clients: {worked:.2f} s of worker"
        f" time, {elapsed:.2f} s in all; {touched} screened in full"
    )
    sample = list(ScreenedClient.objects.all()[:SAMPLE])
    subjects = [subject_from_json(client.subject) for client in sample]
    candidates_of(subjects[0])
    full = timed(lambda: [screening.pairs_found(one, candidates_of(one), "") for one in subjects])
    whole = full / SAMPLE * count
    print(f"everybody in full would take {whole:.1f} s: {whole / worked:.0f} times the delta")
    return 0 if took < 60 and worked < 5 and count == clients else 1


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stratford.settings")
    clients = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    folder = Path(tempfile.mkdtemp(prefix="stratford-bench-"))
    folder.chmod(0o755)
    os.environ |= {"STRATFORD_VAR": str(folder), "STRATFORD_DATABASE_ROLE": "owner"}
    from stratford import embedded  # noqa: PLC0415

    with embedded.running():
        return measure(folder, clients)


if __name__ == "__main__":
    raise SystemExit(main())
