"""Shares that flow through companies, also in circles, and votes that carry others with them."""

from collections.abc import Collection, Mapping
from fractions import Fraction

# Owner, then owned, then the part of 1 that is held; nothing of zero.
Weights = Mapping[str, Mapping[str, Fraction]]
NONE = Fraction(0)


def stakes_of(
    shares: Weights, companies: Collection[str], entity: str
) -> tuple[dict[str, Fraction], dict[str, Fraction]]:
    """Return the stake in the entity of each owner that is no company, and of who is not named.

    The second mapping has, by company, what of the entity belongs to holders of that company who
    are not in the graph.  Both together are 1, whatever the circles.

    With C[j][k] the part of company k that company j holds, the weight of company j is the sum
    over all chains from j to the entity e, however often they go round:
        w = e + C w,  so  (I - C) w = e
    solved exactly; an owner's stake is the sum over j of (their part of j) x w[j].  This is the
    integrated ownership of Brioschi, Buzzacchi and Colombo ("Risk capital financing and the
    separation of ownership and control in business groups", Journal of Banking & Finance 13,
    1989); own shares drop out, as they must.  Companies that belong to nobody but each other have
    no finite weight: they are left out, and what they hold counts as unexplained.
    """
    held: dict[str, Fraction] = dict.fromkeys(companies, NONE)
    for parts in shares.values():
        for owned, part in parts.items():
            if owned in held:
                held[owned] += part
    open_ones = _with_outside_owners(shares, companies, held)
    if entity not in open_ones:
        return {}, {company: Fraction(company == entity) for company in companies}
    weights = _weights_solve(shares, [one for one in companies if one in open_ones], entity)
    stakes = {
        owner: sum((part * weights.get(owned, NONE) for owned, part in parts.items()), NONE)
        for owner, parts in shares.items()
        if owner not in open_ones
    }
    rest = {company: (1 - held[company]) * weights.get(company, NONE) for company in companies}
    for company in companies:
        if company not in open_ones:
            rest[company] = stakes.pop(company, NONE)
    return stakes, rest


def control_spread(
    person: str, votes: Weights, commanders: Mapping[str, Collection[str]], majority: Fraction
) -> dict[str, bool]:
    """Return what the person controls, themself included, in the order it was reached.

    A company joins when those who joined before have more than `majority` of its votes together,
    or one of them controls it by a role (then the value is True); until no more joins.
    """
    joined = {person: False}
    candidates = {owned for parts in votes.values() for owned in parts} | {*commanders}
    while True:
        for company in sorted(candidates - joined.keys()):
            together = sum((votes.get(one, {}).get(company, NONE) for one in joined), NONE)
            by_role = any(one in joined for one in commanders.get(company, ()))
            if together > majority or by_role:
                joined[company] = not together > majority
                break
        else:
            return joined


def _with_outside_owners(
    shares: Weights, companies: Collection[str], held: Mapping[str, Fraction]
) -> frozenset[str]:
    """Return the companies of which some part belongs, in the end, to somebody outside them."""
    found = {company for company in companies if held[company] < 1}
    for owner, parts in shares.items():
        if owner not in held:
            found |= parts.keys() & held.keys()
    waiting = list(found)
    while waiting:
        for owned in shares.get(waiting.pop(), {}):
            if owned in held and owned not in found:
                found.add(owned)
                waiting.append(owned)
    return frozenset(found)


def _weights_solve(shares: Weights, companies: list[str], entity: str) -> dict[str, Fraction]:
    """Solve (I - C) w = e by elimination; only what leads to the entity has a weight."""
    rows: dict[str, dict[str, Fraction]] = {}
    known: dict[str, Fraction] = {}
    known_rows = {company: Fraction(company == entity) for company in companies}
    for company in companies:
        row = {one: -part for one, part in shares.get(company, {}).items() if one in known_rows}
        row[company] = row.get(company, NONE) + 1
        rows[company] = row
    for place, pivot in enumerate(companies):
        row = rows[pivot]
        for other in companies[place + 1 :]:
            if factor := rows[other].pop(pivot, NONE):
                factor /= row[pivot]
                for one, value in row.items():
                    if one != pivot:
                        rows[other][one] = rows[other].get(one, NONE) - factor * value
                known_rows[other] -= factor * known_rows[pivot]
    for company in reversed(companies):
        row = rows[company]
        rest = sum((value * known[one] for one, value in row.items() if one != company), NONE)
        known[company] = (known_rows[company] - rest) / row[company]
    return known
