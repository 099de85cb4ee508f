"""Who owns and controls an entity in the end: shares along every chain, votes by majority."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from apps.compliance.domain.ownership_shares import Weights, control_spread, stakes_of

THRESHOLD = Fraction(25, 100)
MAJORITY = Fraction(1, 2)


class Role(StrEnum):
    DIRECTOR = "DIRECTOR"
    SENIOR_MANAGER = "SENIOR_MANAGER"
    SETTLOR = "SETTLOR"
    TRUSTEE = "TRUSTEE"
    PROTECTOR = "PROTECTOR"
    BENEFICIARY = "BENEFICIARY"
    OTHER_CONTROL = "OTHER_CONTROL"


class Ground(StrEnum):
    """Why somebody is a beneficial owner."""

    OWNERSHIP = "OWNERSHIP"
    CONTROLLED_STAKE = "CONTROLLED_STAKE"
    MAJORITY_OF_VOTES = "MAJORITY_OF_VOTES"
    STAKE_IN_CONTROLLER = "STAKE_IN_CONTROLLER"
    ROLE = "ROLE"


# Whoever has one of these controls, whatever they hold.
CONTROL_ROLES = frozenset(
    {Role.SETTLOR, Role.TRUSTEE, Role.PROTECTOR, Role.BENEFICIARY, Role.OTHER_CONTROL}
)
# In a foundation the board counts too: it is treated like an express trust.
FOUNDATION_ROLES = CONTROL_ROLES | {Role.DIRECTOR}


@dataclass(frozen=True)
class Party:
    """A person or a company in the graph; `is_exempt` ends a path like a person does.

    A company is exempt when it is listed, supervised, a public body or declared as widely held.
    """

    id: str
    is_person: bool
    is_exempt: bool = False
    legal_form: str = ""


@dataclass(frozen=True)
class Holding:
    """What `owner` has in `owned`: parts of 1 of the shares and of the votes, and roles."""

    owner: str
    owned: str
    shares: Fraction
    votes: Fraction
    roles: frozenset[Role] = frozenset()


@dataclass(frozen=True)
class Path:
    """A chain from a person down to the entity; `share` is the product of its holdings."""

    parties: tuple[str, ...]
    share: Fraction


@dataclass(frozen=True)
class Owner:
    """A person's part in the entity; all figures are parts of 1.

    `ownership` is what flows to them, `controlled` and `controlled_votes` what they can decide on;
    `through` are the companies that they control, nearest first.  `circular` is what of `ownership`
    comes by no path without a circle, or by more paths than are listed.
    """

    party: str
    ownership: Fraction
    controlled: Fraction
    controlled_votes: Fraction
    through: tuple[str, ...]
    roles: frozenset[Role]
    grounds: tuple[Ground, ...]
    paths: tuple[Path, ...]

    @property
    def is_beneficial(self) -> bool:
        return bool(self.grounds)

    @property
    def circular(self) -> Fraction:
        return self.ownership - sum((path.share for path in self.paths), Fraction(0))


@dataclass(frozen=True)
class Structure:
    """`owners` plus `exempted` plus `unexplained` make 1; largest owner first."""

    owners: tuple[Owner, ...]
    exempted: Fraction
    unexplained: Fraction
    senior_managers: tuple[str, ...]

    @property
    def beneficial_owners(self) -> tuple[Owner, ...]:
        return tuple(owner for owner in self.owners if owner.is_beneficial)

    @property
    def answerable(self) -> tuple[str, ...]:
        """Return the beneficial owners or, where there are none, the senior managers."""
        return tuple(owner.party for owner in self.beneficial_owners) or self.senior_managers


def ownership_resolve(
    entity: Party, parties: Collection[Party], holdings: Collection[Holding]
) -> Structure:
    """Return who owns and who controls the entity.

    Ownership is the share of every chain, multiplied along it and added over all chains; holdings
    in a circle are the limit of that sum, the solution of a linear system (see `stakes_of`).  A
    beneficial owner has
    - 25 % or more of the entity by that sum (OWNERSHIP), or
    - 25 % or more of its shares or votes when the companies that they control count with the whole
      of what they hold (CONTROLLED_STAKE), or
    - more than half of its votes, their own and those of companies that they control
      (MAJORITY_OF_VOTES), or
    - 25 % or more of a company that controls the entity (STAKE_IN_CONTROLLER), or
    - control without shares: settlor, trustee, protector, beneficiary, or by other means (ROLE).
    Where nobody has, the senior managing officials stand in (`answerable`).

    Sources: Regulation (EU) 2024/1624, Articles 52 (ownership interest, 25 % or more; shares along
    a chain multiplied, chains added), 53 (control: the majority of votes, other means), 54 (the
    stake of a controlled company counts whole; a stake in a controlling company), 57, 58
    (foundations, trusts) and 63 (senior managing officials); FATF, "Guidance on Beneficial
    Ownership of Legal Persons" (2023); 31 CFR 1010.230(d).
    """
    everybody = {party.id: party for party in (*parties, entity)}
    persons = [party.id for party in parties if party.is_person]
    shares = _weights(holdings, by_votes=False)
    votes = _weights(holdings, by_votes=True)
    commanders = _commanders(everybody, holdings)
    companies = [party.id for party in everybody.values() if not party.is_person]
    stakes, remainders = stakes_of(shares, companies, entity.id)
    in_controllers = [
        stakes_of(shares, companies, company)[0]
        for company in companies
        if company != entity.id
        and entity.id in control_spread(company, votes, commanders, MAJORITY)
    ]
    owners = []
    for person in persons:
        reach = control_spread(person, votes, commanders, MAJORITY)
        controlled, controlled_votes = _controlled(shares, votes, companies, entity.id, reach)
        ownership = stakes.get(person, Fraction(0))
        roles = _roles(person, entity.id, holdings)
        grounds = _grounds(entity.id, ownership, max(controlled, controlled_votes), reach)
        if any(found.get(person, Fraction(0)) >= THRESHOLD for found in in_controllers):
            grounds = (*grounds, Ground.STAKE_IN_CONTROLLER)
        if grounds or ownership or controlled_votes:
            owners.append(
                Owner(
                    party=person,
                    ownership=ownership,
                    controlled=max(controlled, ownership),
                    controlled_votes=controlled_votes,
                    through=tuple(one for one in reach if one not in {person, entity.id}),
                    roles=roles,
                    grounds=grounds,
                    paths=paths_of(person, entity.id, shares),
                )
            )
    owners.sort(key=lambda owner: (-owner.ownership, -owner.controlled, owner.party))
    exempted = sum((remainders[one] for one in companies if everybody[one].is_exempt), Fraction(0))
    explained = exempted + sum((stakes.get(person, Fraction(0)) for person in persons), Fraction(0))
    managers = tuple(
        person for person in persons if Role.SENIOR_MANAGER in _roles(person, entity.id, holdings)
    )
    return Structure(tuple(owners), exempted, 1 - explained, managers)


MOST_PATHS = 12
MOST_STEPS = 400


def paths_of(person: str, entity: str, shares: Weights) -> tuple[Path, ...]:
    """Return the person's chains of shares without a circle, largest first, at most MOST_PATHS."""
    found: list[Path] = []
    waiting = [Path((person,), Fraction(1))]
    for _ in range(MOST_STEPS):
        if not waiting or len(found) == MOST_PATHS:
            break
        waiting.sort(key=lambda path: path.share)
        path = waiting.pop()
        if path.parties[-1] == entity:
            found.append(path)
            continue
        waiting += [
            Path((*path.parties, owned), path.share * share)
            for owned, share in shares.get(path.parties[-1], {}).items()
            if owned not in path.parties
        ]
    return tuple(found)


def _weights(holdings: Iterable[Holding], *, by_votes: bool) -> Weights:
    weights: dict[str, dict[str, Fraction]] = {}
    for holding in holdings:
        if part := holding.votes if by_votes else holding.shares:
            weights.setdefault(holding.owner, {})[holding.owned] = part
    return weights


def _commanders(
    everybody: Mapping[str, Party], holdings: Iterable[Holding]
) -> dict[str, frozenset[str]]:
    """Return by company those who control it by a role."""
    found: dict[str, frozenset[str]] = {}
    for holding in holdings:
        is_foundation = everybody[holding.owned].legal_form == "FOUNDATION"
        if holding.roles & (FOUNDATION_ROLES if is_foundation else CONTROL_ROLES):
            found[holding.owned] = found.get(holding.owned, frozenset()) | {holding.owner}
    return found


def _controlled(
    shares: Weights, votes: Weights, companies: list[str], entity: str, reach: Mapping[str, bool]
) -> tuple[Fraction, Fraction]:
    """Return the stake in shares and in votes of a person with all that they control as one."""
    if entity in reach:
        return Fraction(1), Fraction(1)
    outside = [one for one in companies if one not in reach]
    found = []
    for weights in (shares,) if shares == votes else (shares, votes):
        merged: dict[str, dict[str, Fraction]] = {"": {}}
        for owner, held in weights.items():
            target = merged[""] if owner in reach else merged.setdefault(owner, {})
            for owned, part in held.items():
                if owned not in reach:
                    target[owned] = target.get(owned, Fraction(0)) + part
        stakes, _ = stakes_of(merged, outside, entity)
        found.append(stakes.get("", Fraction(0)))
    return found[0], found[-1]


def _grounds(
    entity: str, ownership: Fraction, controlled: Fraction, reach: Mapping[str, bool]
) -> tuple[Ground, ...]:
    grounds = [Ground.OWNERSHIP] if ownership >= THRESHOLD else []
    if entity in reach:
        grounds.append(Ground.ROLE if reach[entity] else Ground.MAJORITY_OF_VOTES)
    elif controlled >= THRESHOLD and not grounds:
        grounds.append(Ground.CONTROLLED_STAKE)
    return tuple(grounds)


def _roles(person: str, owned: str, holdings: Iterable[Holding]) -> frozenset[Role]:
    """Return the person's roles in the entity itself."""
    return frozenset(
        role
        for holding in holdings
        if (holding.owner, holding.owned) == (person, owned)
        for role in holding.roles
    )
