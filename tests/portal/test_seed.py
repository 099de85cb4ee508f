"""Every step of the seed, twice: the second time changes nothing."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from pytest_django import Settings

from apps.audit.models import AuditEvent
from apps.compliance.models import KycRecord, WatchlistVersion
from apps.ledger.domain.legs import AccountKind
from apps.ledger.selectors import balance_get
from apps.market.domain.bars import DailyBar
from apps.market.models import Bar, Instrument
from apps.market.providers.packaged import BarFile
from apps.portal.management import seed
from apps.portal.management.demo import CAST, People
from apps.portal.management.seed_client import FIRST_DEPOSIT, seed_client
from apps.trading.models import Portfolio
from apps.users.models import User

pytestmark = pytest.mark.django_db(databases=["default", "timescale"])


@pytest.fixture(autouse=True)
def _sample_list(settings: Settings) -> None:
    settings.REFERENCE_DATA = ""


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path)


def silent(_done: int, _total: int | None) -> None:
    """Report to nobody."""


def test_seed_people_creates_whoever_is_missing_and_remembers_them(people: People) -> None:
    heard: list[tuple[int, int | None]] = []

    first = seed.seed_people(people, lambda done, total: heard.append((done, total)))
    again = seed.seed_people(People(people.path.parent), silent)

    every = len(CAST)
    assert (first, again) == (f"{every} of {every} created", f"0 of {every} created")
    assert heard == [(number, every) for number in range(1, every + 1)]
    assert User.objects.count() == every
    for person in People(people.path.parent).people:
        user = User.objects.get(id=UUID(person.user_id))
        assert user.email == person.email
        assert user.check_password(person.password)
        assert person.totp_secret


def test_seed_people_of_a_file_without_its_database_creates_them_again(people: People) -> None:
    people.record(
        people.people[0].email, user_id="00000000-0000-4000-8000-000000000000", totp_secret="X"
    )

    assert seed.seed_people(people, silent) == f"{len(CAST)} of {len(CAST)} created"
    assert people.people[0].totp_secret != "X"


def test_seed_people_that_fails_leaves_nobody_without_a_secret(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(People, "record", fail)

    with pytest.raises(OSError, match="disk full"):
        seed.seed_people(people, silent)

    assert not User.objects.exists()


def test_seed_market_and_watchlist_twice_change_nothing_the_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "bars.csv"
    source.write_text("made for the test")
    price = Decimal(10)
    bar = DailyBar("AAPL", date(2012, 6, 1), price, price, price, price, Decimal(5))
    monkeypatch.setattr(seed, "bar_files", lambda: [BarFile("test", source, lambda _: iter([bar]))])

    first = seed.seed_market(silent), seed.seed_watchlist(silent)
    counts = Instrument.objects.count(), Bar.objects.count(), WatchlistVersion.objects.count()
    events = AuditEvent.objects.count()
    again = seed.seed_market(silent), seed.seed_watchlist(silent)

    assert first[0].endswith("1 bars of 1 files written")
    assert again[0] == "0 instruments listed, 0 bars of 1 files written"
    assert first[1] == again[1]
    assert first[1].startswith("SAMPLE: ")
    assert counts[1:] == (1, 1)
    assert counts == (
        Instrument.objects.count(),
        Bar.objects.count(),
        WatchlistVersion.objects.count(),
    )
    assert AuditEvent.objects.count() == events


def test_seed_client_twice_approves_and_funds_once(people: People) -> None:
    seed.seed_people(people, silent)
    seed.seed_watchlist(silent)

    first, again = seed_client(people), seed_client(people)

    assert first == "approved, 250000.00 USD deposited (simulated bank)"
    assert again == "approved and funded before"
    portfolio = Portfolio.objects.get()
    assert str(portfolio.client_id) == people.people[0].user_id
    assert balance_get(portfolio.id, AccountKind.CASH, "USD") == FIRST_DEPOSIT.amount
    assert KycRecord.objects.get().status == "APPROVED"


def test_seed_client_leaves_a_suspended_client_as_it_is(people: People) -> None:
    seed.seed_people(people, silent)
    KycRecord.objects.create(client_id=UUID(people.people[0].user_id), status="SUSPENDED")

    assert "SUSPENDED: left as it is" in seed_client(people)
    assert not Portfolio.objects.exists()


def test_seed_steps_are_in_the_order_in_which_they_need_each_other(people: People) -> None:
    assert [step.title for step in seed.seed_steps(people)] == [
        "Create the people",
        "Load daily bars",
        "Load exchange rates",
        "Import the watchlist",
        "Identify and fund the client",
    ]
