"""What a fresh installation needs before anybody can walk through it; safe to repeat."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from apps.compliance.services.watchlists import default_source, watchlist_import
from apps.core.errors import NotFound
from apps.market.providers.ecb import rate_file
from apps.market.providers.packaged import bar_files
from apps.market.services import bars_load, instruments_list_catalogue, rates_load
from apps.portal.management.demo import People, Person
from apps.portal.management.seed_client import seed_client
from apps.users.domain.roles import Role
from apps.users.selectors import user_get
from apps.users.services.accounts import user_provision

Report = Callable[[int, int | None], None]
"""Called with how much is done and how much there is (None: not known)."""


@dataclass(frozen=True)
class Step:
    """One named piece of preparation; `run` says in a few words what it did."""

    title: str
    run: Callable[[Report], str]


def seed_steps(people: People) -> list[Step]:
    """Return the steps in their order."""
    return [
        Step("Create the people", lambda report: seed_people(people, report)),
        Step("Load daily bars", seed_market),
        Step("Load exchange rates", seed_rates),
        Step("Import the watchlist", seed_watchlist),
        Step("Identify and fund the client", lambda _: seed_client(people)),
    ]


def seed_market(report: Report) -> str:
    """List the instruments and load every packaged file of daily bars."""
    listed = instruments_list_catalogue(actor=None)
    files = bar_files()
    changed = read_before = 0
    for bar_file in files:
        read_in_file = 0

        def note(read: int, before: int = read_before) -> None:
            nonlocal read_in_file
            read_in_file = read
            report(before + read, None)

        changed += bars_load(actor=None, bar_file=bar_file, progress=note)
        read_before += read_in_file
    return f"{len(listed)} instruments listed, {changed} bars of {len(files)} files written"


def seed_rates(_: Report) -> str:
    """Load the ECB's reference rates."""
    file = rate_file()
    return f"{rates_load(actor=None, rate_file=file)} rates written ({file.source})"


def seed_watchlist(report: Report) -> str:
    """Import the reference list where it is, else the project's own sample."""
    list_code, folder = default_source()
    version = watchlist_import(
        actor=None, path=folder, list_code=list_code, on_progress=lambda n, _: report(n, None)
    )
    return f"{list_code}: {version.entity_count} entries, {version.name_count} names"


def _exists(person: Person) -> bool:
    if not person.user_id:
        return False
    try:
        user_get(UUID(person.user_id))
    except NotFound:
        return False
    return True


def seed_people(people: People, report: Report) -> str:
    """Create whoever does not exist yet."""
    created = 0
    for number, person in enumerate(list(people.people), 1):
        if not _exists(person):
            _create(people, person)
            created += 1
        report(number, len(people.people))
    return f"{created} of {len(people.people)} created"


def _create(people: People, person: Person) -> None:
    # The secret is written down before the commit: a crash in between leaves no user without one.
    with transaction.atomic():
        user, secret = user_provision(
            email=person.email,
            password=person.password,
            display_name=person.display_name,
            roles=[Role(person.role)],
            with_totp=True,
        )
        people.record(person.email, user_id=str(user.pk), totp_secret=secret or "")
