import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, connections, transaction
from pytest_django import Settings

from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, DomainError, InvalidInput, NotFound, Refused
from apps.ledger.domain.legs import AccountKind, Leg
from apps.ledger.models import Account, Entry, Posting
from apps.ledger.selectors import (
    PlacedEntry,
    balance_get,
    balances_of,
    entries_of,
    entry_list,
    ledger_differences,
)
from apps.ledger.services import entry_post, entry_reverse

pytestmark = pytest.mark.django_db
CASH, HELD, FIRM = AccountKind.CASH, AccountKind.HELD, AccountKind.CLIENT_MONEY
SECURITIES, CLEARING = AccountKind.SECURITIES, AccountKind.CLEARING


def deposit_legs(owner: UUID, amount: str, asset: str = "USD") -> list[Leg]:
    return [Leg(owner, CASH, asset, Decimal(amount)), Leg(None, FIRM, asset, -Decimal(amount))]


def post(legs: Sequence[Leg], key: str | None = None, **labels: str) -> Entry:
    kind = labels.pop("kind", "DEPOSIT")
    return entry_post(
        actor=None, idempotency_key=key or str(uuid4()), kind=kind, legs=legs, **labels
    )


def test_entry_post_with_legs_that_balance_moves_both_accounts_and_emits() -> None:
    owner = uuid4()

    entry = post(deposit_legs(owner, "100.25"), reference="transfer-1")

    assert balance_get(owner, CASH, "USD") == Decimal("100.25")
    assert balance_get(None, FIRM, "USD") == Decimal("-100.25")
    assert [(p.asset, p.amount) for p in entry.postings.order_by("-amount")] == [
        ("USD", Decimal("100.25")),
        ("USD", Decimal("-100.25")),
    ]
    event = AuditEvent.objects.get(stream=entry.stream)
    assert event.name == "ledger.entry.posted"
    assert event.payload["digest"] == entry.digest
    assert event.payload["legs"] == [
        [str(owner), "CASH", "USD", "100.25"],
        [None, "CLIENT_MONEY", "USD", "-100.25"],
    ]


def test_entry_post_over_two_assets_swaps_money_for_units() -> None:
    owner = uuid4()
    post(deposit_legs(owner, "1000"))

    post(
        [
            Leg(owner, CASH, "USD", Decimal("-150.10")),
            Leg(None, CLEARING, "USD", Decimal("150.10")),
            Leg(owner, SECURITIES, "AAPL", Decimal("0.12345678")),
            Leg(None, CLEARING, "AAPL", Decimal("-0.12345678")),
        ],
        kind="TRADE",
    )

    assert [(row.kind, row.asset, row.balance) for row in balances_of(owner)] == [
        (CASH, "USD", Decimal("849.90")),
        (SECURITIES, "AAPL", Decimal("0.12345678")),
    ]


def test_entry_post_same_account_twice_nets_the_legs() -> None:
    owner = uuid4()

    entry = post([*deposit_legs(owner, "10"), *deposit_legs(owner, "5")])

    assert entry.postings.count() == 2
    assert balance_get(owner, CASH, "USD") == 15


def test_entry_post_beyond_the_cash_is_refused_and_changes_nothing() -> None:
    owner = uuid4()
    post(deposit_legs(owner, "100"))

    with pytest.raises(Refused) as refused:
        post(deposit_legs(owner, "-100.01"))

    assert refused.value.code == "insufficient_funds"
    assert refused.value.facts == {
        "asset": "USD",
        "limit": "100.00000000",
        "measured": "100.01",
    }
    assert balance_get(owner, CASH, "USD") == 100
    assert Entry.objects.count() == 1
    assert AuditEvent.objects.count() == 1


def test_entry_post_of_units_not_there_is_refused_as_units() -> None:
    owner = uuid4()
    legs = [
        Leg(owner, SECURITIES, "AAPL", Decimal(-1)),
        Leg(None, CLEARING, "AAPL", Decimal(1)),
    ]

    with pytest.raises(Refused) as refused:
        post(legs)

    assert refused.value.code == "insufficient_units"
    assert not Entry.objects.exists()
    assert not Account.objects.exists()


def test_entry_post_same_key_and_legs_returns_the_first_and_moves_once() -> None:
    owner = uuid4()
    first = post(deposit_legs(owner, "100"), key="k")

    second = post(list(reversed(deposit_legs(owner, "100.00"))), key="k")

    assert second.id == first.id
    assert balance_get(owner, CASH, "USD") == 100


@pytest.mark.parametrize(("amount", "kind"), [("101", "DEPOSIT"), ("100", "BONUS")])
def test_entry_post_same_key_with_another_content_conflicts(amount: str, kind: str) -> None:
    owner = uuid4()
    post(deposit_legs(owner, "100"), key="k")

    with pytest.raises(Conflict) as conflict:
        post(deposit_legs(owner, amount), key="k", kind=kind)

    assert conflict.value.code == "idempotency_key_reused"
    assert balance_get(owner, CASH, "USD") == 100


@pytest.mark.parametrize(
    "labels",
    [{"key": "k" * 201}, {"kind": "deposit"}, {"kind": ""}, {"reference": "r" * 101}],
)
def test_entry_post_with_bad_labels_is_refused(labels: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        post(deposit_legs(uuid4(), "1"), **labels)
    assert not Entry.objects.exists()


def test_entry_post_without_key_is_refused() -> None:
    with pytest.raises(InvalidInput):
        entry_post(actor=None, idempotency_key="", kind="X", legs=deposit_legs(uuid4(), "1"))


def test_entry_reverse_once_restores_the_balances_and_links_both() -> None:
    owner = uuid4()
    entry = post(deposit_legs(owner, "100"), reference="t")

    reversal = entry_reverse(actor=None, entry_id=entry.id, idempotency_key="r")

    assert reversal.reverses == entry
    assert reversal.reference == "t"
    assert balance_get(owner, CASH, "USD") == 0
    assert balance_get(None, FIRM, "USD") == 0
    assert list(entry_list(reference="t")) == [reversal, entry]


def test_entry_reverse_again_with_the_same_key_returns_the_first_reversal() -> None:
    entry = post(deposit_legs(uuid4(), "100"))
    first = entry_reverse(actor=None, entry_id=entry.id, idempotency_key="r")

    assert entry_reverse(actor=None, entry_id=entry.id, idempotency_key="r").id == first.id


def test_entry_reverse_again_with_another_key_conflicts_and_changes_nothing() -> None:
    owner = uuid4()
    entry = post(deposit_legs(owner, "100"))
    entry_reverse(actor=None, entry_id=entry.id, idempotency_key="r")

    with pytest.raises(Conflict) as conflict:
        entry_reverse(actor=None, entry_id=entry.id, idempotency_key="r2")

    assert conflict.value.code == "already_reversed"
    assert Entry.objects.count() == 2


def test_entry_reverse_of_a_reversal_conflicts() -> None:
    entry = post(deposit_legs(uuid4(), "100"))
    reversal = entry_reverse(actor=None, entry_id=entry.id, idempotency_key="r")

    with pytest.raises(Conflict) as conflict:
        entry_reverse(actor=None, entry_id=reversal.id, idempotency_key="r3")

    assert conflict.value.code == "is_reversal"


def test_entry_reverse_after_the_money_left_is_refused() -> None:
    owner = uuid4()
    entry = post(deposit_legs(owner, "100"))
    post(deposit_legs(owner, "-60"), kind="WITHDRAWAL")

    with pytest.raises(Refused):
        entry_reverse(actor=None, entry_id=entry.id, idempotency_key="r")

    assert balance_get(owner, CASH, "USD") == 40


def test_entry_reverse_of_an_unknown_entry_is_not_found() -> None:
    with pytest.raises(NotFound):
        entry_reverse(actor=None, entry_id=uuid4(), idempotency_key="r")


def test_entries_of_an_owner_come_newest_first_with_own_postings_only() -> None:
    owner, other = uuid4(), uuid4()
    first, second = post(deposit_legs(owner, "1")), post(deposit_legs(owner, "2"))
    post(deposit_legs(other, "3"))

    newest, oldest = entries_of(owner, limit=9)

    assert [newest.entry, oldest.entry] == [second, first]
    assert [posting.amount for posting in newest.entry.postings.all()] == [2]


def test_entries_of_an_owner_are_paged_both_ways_each_once() -> None:
    owner = uuid4()
    legs = [
        *(Leg(owner, CASH, "USD", Decimal(8)), Leg(owner, HELD, "USD", Decimal(1))),
        Leg(None, FIRM, "USD", Decimal(-9)),
    ]
    entries = [post(deposit_legs(owner, "5")), *(post(legs) for _ in range(4))][::-1]

    place: tuple[datetime, int] | None = None
    seen: list[PlacedEntry] = []
    while page := entries_of(owner, limit=2, place=place):
        seen += page
        place = page[-1].place
    assert [row.entry for row in seen] == entries
    back = entries_of(owner, limit=2, place=seen[-1].place, is_newer=True)
    assert [row.entry for row in back] == entries[2:4]
    assert entries_of(owner, limit=2, place=seen[0].place, is_newer=True) == []


def test_entries_of_an_owner_are_found_by_index_whatever_the_history() -> None:
    owner = uuid4()
    for _ in range(3):
        post(deposit_legs(owner, "1"))
    place = entries_of(owner, limit=1)[0].place
    asked: list[tuple[str, Any]] = []

    def keep(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(keep):
        for is_newer in (False, True):
            entries_of(owner, limit=2, place=place, is_newer=is_newer)

    # Tables of three rows are read whole unless that is made dear.
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        plans = []
        for sql, params in asked:
            cursor.execute(f"EXPLAIN {sql}", params)
            plans.append("\n".join(line for (line,) in cursor.fetchall()))
    assert len(plans) == 4
    assert not re.search(r"Seq Scan on ledger_(posting|entry)", "\n".join(plans))
    for plan in plans[0], plans[3]:
        assert "ledger_posting_of_account on ledger_posting posting" in plan
        assert re.search(r"Index Cond: \(\(account_id = \w+\.id\) AND \(ROW\(posted_at, id\)", plan)


@pytest.mark.parametrize("model", [Entry, Posting])
def test_ledger_rows_changed_by_queryset_are_refused(model: type[Entry] | type[Posting]) -> None:
    with pytest.raises(TypeError, match="append-only"):
        model.objects.update(id=1)
    with pytest.raises(TypeError, match="append-only"):
        model.objects.all().delete()


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_posting"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_ledger_rows_changed_by_sql_are_refused(table: str, statement: str) -> None:
    post(deposit_legs(uuid4(), "1"))

    with (
        pytest.raises(Exception, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))

    assert (Entry.objects.count(), Posting.objects.count()) == (1, 2)


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_posting"])
def test_ledger_tables_truncated_are_refused(table: str) -> None:
    with (
        pytest.raises(Exception, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"TRUNCATE {table} CASCADE")


def commit(*rows: Entry | Posting) -> None:
    """Insert rows past the service and run the deferred triggers, as a commit would."""
    with transaction.atomic(), connection.cursor() as cursor:
        for row in rows:
            row.save(force_insert=True)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def test_entry_without_postings_is_refused_by_the_database() -> None:
    with pytest.raises(IntegrityError, match="has no postings"):
        commit(Entry(idempotency_key="x", kind="X", digest=""))


def test_posting_that_unbalances_an_old_entry_is_refused_by_the_database() -> None:
    entry = post(deposit_legs(uuid4(), "1"))
    commit()
    account = Account.objects.create(kind="FEES", asset="USD")

    with pytest.raises(IntegrityError, match="do not sum to zero"):
        commit(Posting(entry=entry, account=account, asset="USD", amount=Decimal(1), balance=1))


def test_posting_of_another_asset_than_its_account_is_refused_by_the_database() -> None:
    entry = post(deposit_legs(uuid4(), "1"))
    account = Account.objects.create(kind="FEES", asset="USD")

    with pytest.raises(IntegrityError, match="asset_of_account"):
        commit(Posting(entry=entry, account=account, asset="EUR", amount=Decimal(1), balance=1))


def test_balance_below_its_floor_is_refused_by_the_database() -> None:
    owner = uuid4()
    post(deposit_legs(owner, "1"))

    with pytest.raises(IntegrityError, match="ledger_account_floor"), transaction.atomic():
        Account.objects.owned_by(owner).update(balance=-1)


def test_second_account_of_the_firm_with_the_same_key_is_refused_by_the_database() -> None:
    Account.objects.create(kind="FEES", asset="USD")

    with pytest.raises(IntegrityError, match="ledger_account_key"), transaction.atomic():
        Account.objects.create(kind="FEES", asset="USD")


def _in_threads(count: int, work: Iterable[int], run: Callable[[int], object]) -> list[object]:
    def safely(item: int) -> object:
        try:
            return run(item)
        except DomainError as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(safely, work))


@pytest.mark.django_db(transaction=True)
def test_entry_post_in_parallel_spends_exactly_what_is_there() -> None:
    owner = uuid4()
    post(deposit_legs(owner, "100"))

    outcomes = _in_threads(8, range(20), lambda _: post(deposit_legs(owner, "-10"), kind="OUT"))

    assert outcomes.count("insufficient_funds") == 10
    assert balance_get(owner, CASH, "USD") == 0
    assert balance_get(None, FIRM, "USD") == 0


@pytest.mark.django_db(transaction=True)
def test_entry_post_in_parallel_with_one_key_posts_once() -> None:
    owner = uuid4()

    outcomes = _in_threads(8, range(16), lambda _: post(deposit_legs(owner, "10"), key="k").id)

    assert len(set(outcomes)) == 1
    assert balance_get(owner, CASH, "USD") == 10


@pytest.mark.django_db(transaction=True)
def test_entry_post_in_parallel_both_ways_between_new_accounts_never_deadlocks() -> None:
    one, two = uuid4(), uuid4()

    def swap(number: int) -> str:
        there, back = (one, two) if number % 2 else (two, one)
        return post(
            [
                Leg(there, AccountKind.FX, "USD", Decimal(1)),
                Leg(back, AccountKind.FX, "USD", Decimal(-1)),
                Leg(None, CLEARING, "EUR", Decimal(1)),
                Leg(back, AccountKind.FX, "EUR", Decimal(-1)),
            ]
        ).kind

    assert _in_threads(8, range(24), swap) == ["DEPOSIT"] * 24
    assert balance_get(one, AccountKind.FX, "USD") == 0


def timeout_now() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        yield cursor.fetchone()[0]


def test_ledger_differences_gives_its_checks_all_the_time_they_need(settings: Settings) -> None:
    settings.LEDGER_CHECKS = [f"{__name__}.timeout_now"]

    assert list(ledger_differences()) == ["0"]


def test_firm_accounts_in_parts_show_one_balance_and_the_proof_names_the_part() -> None:
    owners = [UUID(int=number) for number in (1, 2, 18)]
    for owner in owners:
        post(deposit_legs(owner, "10"))

    rows = Account.objects.filter(owner_id=None, kind="CLIENT_MONEY")
    assert sorted(rows.values_list("shard", "balance")) == [(1, Decimal(-10)), (2, Decimal(-20))]
    assert balance_get(None, FIRM, "USD") == -30
    assert [row.balance for row in balances_of(None)] == [-30]
    assert list(ledger_differences()) == []

    Account.objects.filter(owner_id=None, shard=2).update(balance=-19)

    [difference] = ledger_differences()
    assert "firm/2 CLIENT_MONEY USD): balance -19.00000000, its postings sum to -20" in difference
