"""Reversals under four eyes: one officer asks, another decides, the table insists."""

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.core.errors import (
    Conflict,
    DomainError,
    IllegalTransition,
    InvalidInput,
    NotFound,
    NotPermitted,
    Refused,
)
from apps.ledger.domain.legs import AccountKind, Leg
from apps.ledger.models import Entry, ReversalProposal
from apps.ledger.selectors import balance_get, ledger_differences
from apps.ledger.services import (
    entry_post,
    entry_reverse,
    reversal_confirm,
    reversal_propose,
    reversal_reject,
)
from apps.users.domain.roles import Role
from apps.users.models import User
from tests.users.factories import make_user

pytestmark = pytest.mark.django_db
OWNER = UUID(int=7)


def post(kind: AccountKind = AccountKind.CASH, amount: str = "10") -> Entry:
    return entry_post(
        actor=None,
        idempotency_key=str(uuid4()),
        kind="DIVIDEND",
        legs=[
            Leg(OWNER, kind, "USD", Decimal(amount)),
            Leg(None, AccountKind.DIVIDENDS, "USD", -Decimal(amount)),
        ],
    )


@pytest.fixture
def officers() -> tuple[User, User]:
    return make_user(Role.OPERATIONS), make_user(Role.OPERATIONS)


def propose(officer: User, entry: Entry, reason: str = "Paid twice") -> ReversalProposal:
    return reversal_propose(actor=officer, entry_id=entry.id, reason=reason)


def cash() -> Decimal:
    return balance_get(OWNER, AccountKind.CASH, "USD")


def test_reversal_confirmed_by_another_officer_posts_the_opposite(
    officers: tuple[User, User],
) -> None:
    first, second = officers
    proposal = propose(first, post())
    assert cash() == 10

    done = reversal_confirm(actor=second, proposal_id=proposal.id)

    assert (done.status, done.decided_by) == ("CONFIRMED", second)
    assert done.reversal is not None
    assert done.reversal.reverses_id == proposal.entry_id
    assert cash() == 0
    names = set(AuditEvent.objects.filter(stream=proposal.stream).values_list("name", flat=True))
    assert names == {"ledger.reversal.proposed", "ledger.reversal.decided"}
    assert not list(ledger_differences())


@pytest.mark.parametrize("decide", [reversal_confirm, reversal_reject])
def test_reversal_decided_by_its_proposer_is_refused(
    officers: tuple[User, User], decide: Callable[..., ReversalProposal]
) -> None:
    proposal = propose(officers[0], post())

    with pytest.raises(NotPermitted) as caught:
        decide(actor=officers[0], proposal_id=proposal.id)

    proposal.refresh_from_db()
    assert (caught.value.code, proposal.status, cash()) == ("four_eyes", "PROPOSED", Decimal(10))


def test_reversal_decided_by_its_proposer_is_refused_by_the_database(
    officers: tuple[User, User],
) -> None:
    proposal = propose(officers[0], post())
    rows = ReversalProposal.objects.filter(id=proposal.id)

    with pytest.raises(IntegrityError, match="four_eyes"), transaction.atomic():
        rows.update(status="REJECTED", decided_by=officers[0], decided_at=timezone.now())


def test_reversal_is_decided_once_and_rejected_moves_nothing(officers: tuple[User, User]) -> None:
    first, second = officers
    proposal = propose(first, post())
    reversal_reject(actor=second, proposal_id=proposal.id)

    with pytest.raises(IllegalTransition):
        reversal_confirm(actor=second, proposal_id=proposal.id)

    assert cash() == 10
    assert propose(second, proposal.entry).status == "PROPOSED"


def test_reversal_of_money_that_is_gone_is_refused_and_stays_open(
    officers: tuple[User, User],
) -> None:
    first, second = officers
    proposal = propose(first, post())
    post(amount="-10")

    with pytest.raises(Refused) as caught:
        reversal_confirm(actor=second, proposal_id=proposal.id)

    proposal.refresh_from_db()
    assert (caught.value.code, proposal.status) == ("insufficient_funds", "PROPOSED")


def reversed_entry() -> Entry:
    entry = post()
    entry_reverse(actor=None, entry_id=entry.id, idempotency_key=str(uuid4()))
    return entry


def reversal() -> Entry:
    return entry_reverse(actor=None, entry_id=post().id, idempotency_key=str(uuid4()))


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (reversed_entry, Conflict),
        (reversal, Conflict),
        (lambda: post(AccountKind.HELD), Refused),
        (lambda: Entry(id=uuid4()), NotFound),
    ],
    ids=["reversed", "reversal", "a-hold", "unknown"],
)
def test_reversal_of_what_cannot_be_reversed_is_refused(
    officers: tuple[User, User], make: Callable[[], Entry], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        propose(officers[0], make())

    assert not ReversalProposal.objects.exists()


def test_reversal_proposed_twice_is_refused(officers: tuple[User, User]) -> None:
    entry = post()
    propose(officers[0], entry)

    with pytest.raises(Conflict, match="proposal already"):
        propose(officers[1], entry)


@pytest.mark.parametrize(
    "reason", ["", "  a ", "x" * 301, "a\x00bc"], ids=["none", "short", "long", "nul"]
)
def test_reversal_without_a_reason_is_refused(officers: tuple[User, User], reason: str) -> None:
    with pytest.raises(InvalidInput):
        propose(officers[0], post(), reason)


@pytest.mark.parametrize("role", [Role.CLIENT, Role.AUDITOR, Role.COMPLIANCE_OFFICER])
def test_reversal_by_somebody_else_is_refused(role: Role) -> None:
    with pytest.raises(NotPermitted):
        propose(make_user(role), post())
