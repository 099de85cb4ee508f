from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import DjangoAssertNumQueries, Settings

from apps.ledger.domain.legs import AccountKind, Leg
from apps.ledger.models import Account, Entry, Posting
from apps.ledger.services import entry_post, entry_reverse

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry() -> Entry:
    owner = uuid4()
    legs = [
        Leg(owner, AccountKind.CASH, "USD", Decimal("100.50")),
        Leg(None, AccountKind.CLIENT_MONEY, "USD", Decimal("-100.50")),
        Leg(owner, AccountKind.SECURITIES, "AAPL", Decimal("0.00000001")),
        Leg(None, AccountKind.CLEARING, "AAPL", Decimal("-0.00000001")),
    ]
    return entry_post(actor=None, idempotency_key="k", kind="OPENING", legs=legs)


def behind_the_back(statement: str, *parameters: int) -> None:
    """Run SQL with the triggers off, as a person at the database could."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, parameters)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def verify() -> str:
    """Return the differences found, empty when the ledger verifies."""
    out, err = StringIO(), StringIO()
    try:
        call_command("ledger_verify", stdout=out, stderr=err)
    except SystemExit as stop:
        return err.getvalue() if stop.code == 1 else f"exit {stop.code}"
    assert out.getvalue() == "The ledger verifies.\n"
    return ""


def account_of(entry: Entry) -> Account:
    return Account.objects.get(postings__entry=entry, kind="CASH")


def test_ledger_verify_of_an_untouched_ledger_passes(entry: Entry) -> None:
    entry_reverse(actor=None, entry_id=entry.id, idempotency_key="r")
    assert verify() == ""


def test_ledger_verify_of_an_empty_ledger_passes() -> None:
    assert verify() == ""


def test_ledger_verify_after_a_balance_was_changed_names_the_account(entry: Entry) -> None:
    account = account_of(entry)
    behind_the_back("UPDATE ledger_account SET balance = 999 WHERE id = %s", account.id)

    found = verify()

    assert f"account {account.id} ({account.owner_id} CASH USD)" in found
    assert "balance 999.00000000, its postings sum to 100.50000000" in found


def test_ledger_verify_after_a_posting_was_changed_names_entry_and_account(entry: Entry) -> None:
    account = account_of(entry)
    behind_the_back("UPDATE ledger_posting SET amount = 1 WHERE account_id = %s", account.id)

    found = verify()

    assert f"account {account.id} " in found
    assert f"entry {entry.id}: its postings in USD sum to -99.5" in found
    assert f"entry {entry.id}: its postings or its kind differ from its digest" in found


def test_ledger_verify_after_a_consistent_forgery_names_the_entry(entry: Entry) -> None:
    behind_the_back("UPDATE ledger_posting SET amount = amount * 2 WHERE asset = 'USD'")
    behind_the_back("UPDATE ledger_account SET balance = balance * 2 WHERE asset = 'USD'")

    assert f"entry {entry.id}: its postings or its kind differ from its digest" in verify()


def test_ledger_verify_after_postings_were_deleted_names_the_empty_entry(entry: Entry) -> None:
    behind_the_back("DELETE FROM ledger_posting")

    assert f"entry {entry.id}: it has no postings" in verify()


def test_ledger_verify_after_an_asset_was_changed_names_the_posting(entry: Entry) -> None:
    posting = Posting.objects.get(entry=entry, account__kind="SECURITIES")
    behind_the_back("UPDATE ledger_posting SET asset = 'MSFT' WHERE id = %s", posting.id)

    assert f"posting {posting.id} of entry {entry.id}: asset MSFT, but account" in verify()


def difference_elsewhere() -> Iterator[str]:
    yield "position 7: differs"


def test_ledger_verify_runs_the_checks_of_other_contexts(settings: Settings) -> None:
    settings.LEDGER_CHECKS = ["tests.ledger.test_commands.difference_elsewhere"]

    assert "position 7: differs" in verify()


def test_ledger_verify_of_many_postings_stays_set_based(
    django_assert_max_num_queries: DjangoAssertNumQueries, entry: Entry, settings: Settings
) -> None:
    settings.LEDGER_CHECKS = []
    for number in range(20):
        owner = UUID(int=number + 1)
        entry_post(
            actor=None,
            idempotency_key=f"many-{number}",
            kind="DEPOSIT",
            legs=[
                Leg(owner, AccountKind.CASH, "USD", Decimal(1)),
                Leg(None, AccountKind.CLIENT_MONEY, "USD", Decimal(-1)),
            ],
        )
    with django_assert_max_num_queries(10):
        assert verify() == ""


def test_ledger_verify_after_a_running_balance_was_changed_names_the_posting(entry: Entry) -> None:
    posting = Posting.objects.filter(entry=entry, asset="USD").earliest("id")
    behind_the_back("UPDATE ledger_posting SET balance = 7 WHERE id = %s", posting.id)

    assert f"posting {posting.id} of account {posting.account_id}: balance 7" in verify()
