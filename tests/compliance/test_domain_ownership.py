"""Who owns and controls an entity: worked cases, and laws that hold for any graph."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.compliance.domain.ownership import (
    Ground,
    Holding,
    Owner,
    Party,
    Role,
    Structure,
    ownership_resolve,
)


def holding(owner: str, owned: str, percent: int, **changes: Any) -> Holding:
    share = Fraction(percent, 100)
    return Holding(**{"owner": owner, "owned": owned, "shares": share, "votes": share, **changes})


def resolved(*holdings: Holding, form: str = "COMPANY", exempt: tuple[str, ...] = ()) -> Structure:
    """Resolve with persons in small letters and companies in capitals; E is the entity."""
    names = {name for one in holdings for name in (one.owner, one.owned)} - {"E"}
    parties = [
        Party(id=name, is_person=name.islower(), is_exempt=name in exempt) for name in sorted(names)
    ]
    return ownership_resolve(
        Party(id="E", is_person=False, is_exempt="E" in exempt, legal_form=form), parties, holdings
    )


def owner(structure: Structure, name: str) -> Owner:
    return next(one for one in structure.owners if one.party == name)


def test_ownership_multiplies_along_a_chain_and_adds_over_chains() -> None:
    structure = resolved(
        *(holding("ann", "E", 10), holding("ann", "X", 40), holding("X", "E", 50)),
        *(holding("bob", "X", 60), holding("cyd", "E", 40)),
    )
    ann = owner(structure, "ann")

    assert ann.ownership == Fraction(30, 100)
    assert [path.parties for path in ann.paths] == [("ann", "X", "E"), ("ann", "E")]
    assert {one.party: one.grounds for one in structure.beneficial_owners} == {
        "ann": (Ground.OWNERSHIP,),
        "bob": (Ground.OWNERSHIP,),
        "cyd": (Ground.OWNERSHIP,),
    }
    assert structure.unexplained == 0


def test_ownership_of_exactly_a_quarter_counts_and_less_does_not() -> None:
    structure = resolved(
        *(holding("ann", "E", 25), holding("bob", "E", 24), holding("cyd", "E", 20))
    )

    assert [one.party for one in structure.beneficial_owners] == ["ann"]
    assert structure.unexplained == Fraction(31, 100)


def test_majority_of_votes_carries_the_whole_stake_below() -> None:
    structure = resolved(
        *(holding("ann", "X", 51), holding("bob", "X", 49), holding("X", "E", 30)),
        holding("Z", "E", 70),
        exempt=("Z",),
    )
    ann, bob = owner(structure, "ann"), owner(structure, "bob")

    assert ann.ownership == Fraction(153, 1000)
    assert (ann.controlled, ann.grounds, ann.through) == (
        Fraction(30, 100),
        (Ground.CONTROLLED_STAKE,),
        ("X",),
    )
    assert not bob.is_beneficial
    assert structure.exempted == Fraction(70, 100)


def test_majority_through_several_controlled_companies_controls_the_entity() -> None:
    structure = resolved(
        *(holding("ann", "X", 60), holding("ann", "Y", 60), holding("X", "E", 30)),
        *(holding("Y", "E", 21), holding("bob", "E", 49), holding("cyd", "X", 40)),
    )

    assert Ground.MAJORITY_OF_VOTES in owner(structure, "ann").grounds
    assert owner(structure, "ann").through == ("X", "Y")
    assert not owner(structure, "cyd").is_beneficial


def test_stake_in_the_company_that_controls_counts() -> None:
    structure = resolved(
        *(holding("ann", "X", 30), holding("bob", "X", 70), holding("X", "E", 60)),
        holding("cyd", "E", 40),
    )
    ann = owner(structure, "ann")

    assert ann.ownership == Fraction(18, 100)
    assert ann.grounds == (Ground.STAKE_IN_CONTROLLER,)


def test_votes_without_shares_control() -> None:
    structure = resolved(
        holding("ann", "E", 0, votes=Fraction(51, 100)),
        holding("bob", "E", 100, votes=Fraction(49, 100)),
    )

    assert owner(structure, "ann").grounds == (Ground.MAJORITY_OF_VOTES,)
    assert owner(structure, "ann").ownership == 0


def test_own_shares_drop_out() -> None:
    structure = resolved(holding("E", "E", 20), holding("ann", "E", 80))

    assert owner(structure, "ann").ownership == 1
    assert structure.unexplained == 0


def test_circle_of_holdings_is_the_limit_of_its_rounds() -> None:
    structure = resolved(
        *(holding("X", "E", 50), holding("E", "X", 50), holding("ann", "X", 50)),
        holding("bob", "E", 50),
    )

    assert owner(structure, "ann").ownership == Fraction(1, 3)
    assert owner(structure, "bob").ownership == Fraction(2, 3)
    assert owner(structure, "bob").circular == Fraction(2, 3) - Fraction(1, 2)


def test_companies_that_only_own_each_other_explain_nothing() -> None:
    structure = resolved(
        *(holding("X", "Y", 100), holding("Y", "X", 100), holding("X", "E", 60)),
        holding("ann", "E", 40),
    )

    assert structure.unexplained == Fraction(60, 100)
    assert owner(structure, "ann").ownership == Fraction(40, 100)
    nobody = resolved(holding("X", "E", 100), holding("E", "X", 100))
    assert nobody.unexplained == 1


@pytest.mark.parametrize("role", [Role.SETTLOR, Role.TRUSTEE, Role.PROTECTOR, Role.BENEFICIARY])
def test_roles_in_a_trust_make_beneficial_owners_without_shares(role: Role) -> None:
    structure = resolved(
        holding("ann", "T", 0, roles=frozenset({role})), holding("T", "E", 30), form="TRUST"
    )

    assert owner(structure, "ann").grounds == (Ground.CONTROLLED_STAKE,)
    direct = resolved(holding("ann", "E", 0, roles=frozenset({role})), form="TRUST")
    assert owner(direct, "ann").grounds == (Ground.ROLE,)


def test_director_counts_in_a_foundation_only() -> None:
    board = holding("ann", "E", 0, roles=frozenset({Role.DIRECTOR}))

    assert resolved(board, form="FOUNDATION").answerable == ("ann",)
    assert resolved(board).answerable == ()


def test_senior_manager_stands_in_where_nobody_reaches_a_quarter() -> None:
    manager = holding("ann", "E", 0, roles=frozenset({Role.SENIOR_MANAGER}))
    small = [holding(f"p{number}".replace("0", "x"), "E", 20) for number in range(5)]

    assert resolved(manager, *small).answerable == ("ann",)
    assert resolved(manager, holding("bob", "E", 100)).answerable == ("bob",)


@st.composite
def graphs(draw: st.DrawFn, *, circular: bool) -> list[Holding]:
    """Draw persons and companies over E; nobody gives away more than the whole of a company."""
    companies = ["E", *"XYZW"[: draw(st.integers(0, 4))]]
    holdings = []
    for place, company in enumerate(companies):
        above = companies if circular else companies[place + 1 :]
        left = 1000
        for name in ("ann", "bob", "cyd", *above):
            part = draw(st.integers(0, left) | st.sampled_from([0, left]))
            left -= part
            if part:
                share = Fraction(part, 1000)
                holdings.append(Holding(name, company, share, share))
    return holdings


def walks(holdings: list[Holding], name: str, rounds: int) -> Fraction:
    """Add the products of all chains of at most so many holdings from a name to E."""
    total, reached = Fraction(0), {name: Fraction(1)}
    for _ in range(rounds):
        following: dict[str, Fraction] = {}
        for one in holdings:
            if one.owner in reached:
                part = reached[one.owner] * one.shares
                following[one.owned] = following.get(one.owned, Fraction(0)) + part
        total += following.get("E", Fraction(0))
        reached = following
    return total


@given(graphs(circular=False))
@settings(max_examples=80)
def test_ownership_without_circles_is_the_sum_over_the_chains(holdings: list[Holding]) -> None:
    for one in resolved(*holdings).owners:
        assert one.ownership == walks(holdings, one.party, 6)
        assert one.circular == 0 or len(one.paths) == 12


@given(graphs(circular=True))
@settings(max_examples=120)
def test_ownership_of_any_graph_adds_up_and_bounds_its_rounds(holdings: list[Holding]) -> None:
    structure = resolved(*holdings)

    owned = sum((one.ownership for one in structure.owners), Fraction(0))
    assert owned + structure.exempted + structure.unexplained == 1
    assert structure.unexplained >= 0
    for one in structure.owners:
        assert 0 <= walks(holdings, one.party, 5) <= one.ownership <= one.controlled <= 1
        assert one.circular >= 0


@given(graphs(circular=True))
@settings(max_examples=60)
def test_company_wholly_owned_in_between_changes_nothing(holdings: list[Holding]) -> None:
    between = [
        Holding("V", one.owned, one.shares, one.votes) if one.owner == "ann" else one
        for one in holdings
    ]
    before, after = (
        {one.party: (one.ownership, one.controlled, one.is_beneficial) for one in found.owners}
        for found in (resolved(*holdings), resolved(holding("ann", "V", 100), *between))
    )

    assert before == after


@given(graphs(circular=True))
@settings(max_examples=60)
def test_more_than_half_of_the_votes_always_controls(holdings: list[Holding]) -> None:
    for one in resolved(*holdings).owners:
        direct = [h.votes for h in holdings if (h.owner, h.owned) == (one.party, "E")]
        if direct and direct[0] > Fraction(1, 2):
            assert Ground.MAJORITY_OF_VOTES in one.grounds
            assert one.controlled == 1
