"""What an entity's ownership still lacks before it can be handed in."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction

from apps.compliance.domain.ownership import THRESHOLD, Holding, Party, Role, Structure

# These need not name their owners.
EXEMPT = frozenset({"LISTED", "REGULATED", "PUBLIC_BODY"})
# Whoever founded, holds and profits of these must be named.
NEEDED_ROLES = {
    "TRUST": (Role.SETTLOR, Role.TRUSTEE, Role.BENEFICIARY),
    "FOUNDATION": (Role.SETTLOR, Role.DIRECTOR),
}
TEXTS = {
    "SIGNATORY_MISSING": "Name yourself among the people, as the one who signs for the entity.",
    "ANSWERS_MISSING": "Complete what is asked of",
    "OWNERS_MISSING": "Say who owns or controls",
    "UNCONNECTED": "Say what this one holds, or take it out:",
    "ROLE_MISSING": "Name the settlor, the trustee and the beneficiaries, or the founder and the"
    " board, of",
    "UNEXPLAINED": "A quarter or more is not explained: name its owners.",
    "SENIOR_MANAGER_MISSING": "Nobody owns or controls a quarter: name a senior manager.",
    "TAX_RESIDENCE_MISSING": "A passive NFE states the tax residence of each owner and controller:",
}


@dataclass(frozen=True)
class Gap:
    """`party` is empty where the gap is the entity's."""

    code: str
    party: str = ""


def structure_gaps(
    entity: Party,
    parties: Collection[Party],
    holdings: Collection[Holding],
    structure: Structure,
    *,
    exemption: str,
    signatory: str,
) -> list[Gap]:
    """Return what is missing; an exempt entity needs no owners.

    Every path must end at a person, or a company that is listed, supervised, public or declared as
    widely held; who signs may hold nothing.  Where nobody is a beneficial owner, a senior managing
    official is named (Regulation (EU) 2024/1624, Article 63).
    """
    if exemption in EXEMPT:
        return []
    gaps = []
    for company in (entity, *(party for party in parties if not party.is_person)):
        named = "" if company.id == entity.id else company.id
        held = {role for one in holdings if one.owned == company.id for role in one.roles}
        owners = {one.owner for one in holdings if one.owned == company.id}
        if not company.is_exempt and not owners - {company.id}:
            gaps.append(Gap("OWNERS_MISSING", named))
        if not {*NEEDED_ROLES.get(company.legal_form, ())} <= held:
            gaps.append(Gap("ROLE_MISSING", named))
    gaps += [
        Gap("UNCONNECTED", party.id)
        for party in parties
        if party.id != signatory and not _leads(party.id, entity.id, holdings)
    ]
    if structure.unexplained >= THRESHOLD and not _by_role(entity, holdings):
        gaps.append(Gap("UNEXPLAINED"))
    if not structure.answerable:
        gaps.append(Gap("SENIOR_MANAGER_MISSING"))
    return list(dict.fromkeys(gaps))


def percent_words(part: Fraction) -> str:
    """Write a part of 1 as per cent with at most four decimals."""
    places = 10_000
    scaled = round(part * 100 * places)
    text = f"{scaled // places}.{scaled % places:04d}".rstrip("0").rstrip(".")
    return f"{text} %"


def _by_role(entity: Party, holdings: Collection[Holding]) -> bool:
    """Tell whether the entity has no shares: a trust or foundation is held by its roles."""
    has_shares = any(one.shares for one in holdings if one.owned == entity.id)
    return entity.legal_form in NEEDED_ROLES and not has_shares


def _leads(party: str, entity: str, holdings: Collection[Holding]) -> bool:
    reached, waiting = {party}, [party]
    below: Mapping[str, list[str]] = {
        owner: [one.owned for one in holdings if one.owner == owner]
        for owner in {one.owner for one in holdings}
    }
    while waiting:
        for owned in below.get(waiting.pop(), []):
            if owned not in reached:
                reached.add(owned)
                waiting.append(owned)
    return entity in reached
