"""The client risk rating: weighted factors, each with its contribution, and floors over the sum.

After: FATF, "Guidance for a Risk-Based Approach: Securities Sector" (2018), paragraphs 54 to 75:
geography, client, product, channel.  The weights are the firm's own.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.compliance.domain.countries import CALL_FOR_ACTION, EMBARGOED, geography_points
from apps.compliance.domain.kyc import RiskRating

MODEL_VERSION = "2026-12"
MEDIUM_FROM = Decimal(30)
HIGH_FROM = Decimal(60)

WEIGHTS = {
    "residence": Decimal("0.20"),
    "nationality": Decimal("0.10"),
    "pep": Decimal("0.15"),
    "occupation": Decimal("0.10"),
    "product": Decimal("0.05"),
    "channel": Decimal("0.05"),
    "source_of_funds": Decimal("0.10"),
    "expected_activity": Decimal("0.10"),
    "screening": Decimal("0.15"),
}
LABELS = {
    "residence": "Country of residence",
    "nationality": "Nationality",
    "pep": "Public function",
    "occupation": "Industry",
    "product": "Product",
    "channel": "Channel",
    "source_of_funds": "Source of funds",
    "expected_activity": "Expected activity",
    "screening": "Screening result",
}
INDUSTRY_POINTS = {
    "CASH_INTENSIVE": 60,
    "PRECIOUS_GOODS": 80,
    "GAMBLING": 90,
    "ARMS": 100,
    "CRYPTO": 70,
    "REAL_ESTATE": 50,
    "LEGAL": 40,
    "PUBLIC": 30,
    "OTHER": 30,
}
FUND_POINTS = {
    "SALARY": 0,
    "SAVINGS": 10,
    "INVESTMENTS": 20,
    "PROPERTY_SALE": 30,
    "INHERITANCE": 40,
    "BUSINESS": 50,
    "GIFT": 70,
    "CRYPTO": 90,
    "CAPITAL": 30,
    "LOAN": 50,
    "OTHER": 80,
}
WEALTH_POINTS = {
    "WORK": 0,
    "INVESTMENTS": 20,
    "PROPERTY": 30,
    "BUSINESS": 40,
    "CAPITAL": 30,
    "INHERITANCE": 40,
    "GIFT": 70,
    "CRYPTO": 90,
    "OTHER": 80,
}
# What geography_points gives a country of no list.
ORDINARY = 10
OF_PEOPLE = ("nationality", "second_nationality", "residence", "incorporation_country")
ACTIVITY_POINTS = {"UNDER_5K": 0, "5K_25K": 20, "25K_100K": 60, "OVER_100K": 100}
PEP_POINTS = {"NONE": 0, "SELF": 100, "RELATED": 80}
SCREENING_POINTS = {"CLEAR": 0, "POSSIBLE": 60, "STRONG": 100, "TRUE_MATCH": 100}
# Securities traded for the client's own account, opened at a distance with verified documents.
PRODUCT_POINTS = 30
CHANNEL_POINTS = 40

_ORDER = (RiskRating.LOW, RiskRating.MEDIUM, RiskRating.HIGH, RiskRating.PROHIBITED)


@dataclass(frozen=True)
class Factor:
    """`contribution` = points (0 to 100) x weight; `floor` is the least rating it leaves."""

    code: str
    label: str
    points: int
    weight: Decimal
    floor: RiskRating = RiskRating.LOW

    @property
    def contribution(self) -> Decimal:
        return self.points * self.weight

    def as_json(self) -> dict[str, str | int]:
        """Return what is shown and kept: no answer of the client is in it."""
        return {
            "code": self.code,
            "label": self.label,
            "points": self.points,
            "weight": str(self.weight),
            "contribution": str(self.contribution),
            "floor": str(self.floor),
        }


@dataclass(frozen=True)
class Assessment:
    rating: RiskRating
    score: Decimal
    factors: tuple[Factor, ...]


def risk_rate(
    answers: Mapping[str, Any], *, screening: str, people: Collection[Mapping[str, Any]] = ()
) -> Assessment:
    """Return rating, score (0 to 100) and factors from all steps' answers in one mapping.

    `screening` is CLEAR, POSSIBLE, STRONG or TRUE_MATCH.  The rating is the score's band (MEDIUM
    from 30, HIGH from 60), or the highest floor where that is higher.  `people` are the answers
    about an entity's owners and controllers: their countries and public functions count as its own.
    """
    residence = _residence(answers)
    nationalities = _countries(answers, "nationality", "second_nationality")
    for person in people:
        nationalities += _countries(person, *OF_PEOPLE)
    peps = [one.get("pep", "NONE") for one in (answers, *people)]
    points = {
        "residence": max(
            map(geography_points, [residence, *_countries(answers, "business_country")])
        ),
        "nationality": max(map(geography_points, nationalities), default=0),
        "pep": max(PEP_POINTS[pep] for pep in peps),
        "occupation": INDUSTRY_POINTS.get(answers["industry"], 10),
        "product": PRODUCT_POINTS,
        "channel": CHANNEL_POINTS,
        "source_of_funds": _source_points(answers),
        "expected_activity": max(
            ACTIVITY_POINTS[answers[name]]
            for name in ("expected_activity", "expected_withdrawals")
            if name in answers
        ),
        "screening": SCREENING_POINTS[screening],
    }
    floors = _floors(residence, nationalities, peps, screening)
    factors = tuple(
        Factor(code, LABELS[code], points[code], weight, floors.get(code, RiskRating.LOW))
        for code, weight in WEIGHTS.items()
    )
    score = sum((factor.contribution for factor in factors), Decimal(0))
    return Assessment(_rating(score, factors), score, factors)


def _countries(answers: Mapping[str, Any], *questions: str) -> list[str]:
    return [answers[name] for name in questions if answers.get(name)]


def _source_points(answers: Mapping[str, Any]) -> int:
    """Return the points of the riskiest source of funds or wealth, or of where the money is."""
    sources = [FUND_POINTS[code] for code in answers["source_of_funds"]]
    sources += [WEALTH_POINTS[code] for code in answers.get("source_of_wealth", ())]
    places = map(geography_points, _countries(answers, "funds_country"))
    return max(*sources, 0, *(points for points in places if points > ORDINARY))


def _residence(answers: Mapping[str, Any]) -> str:
    """Return where a person lives, or under whose law an entity is."""
    return str(answers.get("residence") or answers["incorporation_country"])


def inputs_hash(assessment: Assessment) -> str:
    """Return a digest of what the rating was computed from, and by which model."""
    factors = [factor.as_json() for factor in assessment.factors]
    text = json.dumps([MODEL_VERSION, factors], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def is_outgrown(computed: str, held: tuple[str, ...]) -> bool:
    """Tell whether a computed rating is above all of those that an override was about."""
    rank = _ORDER.index(RiskRating(computed))
    return all(rank > _ORDER.index(RiskRating(rating)) for rating in held)


def _rating(score: Decimal, factors: tuple[Factor, ...]) -> RiskRating:
    band = RiskRating.LOW
    if score >= MEDIUM_FROM:
        band = RiskRating.HIGH if score >= HIGH_FROM else RiskRating.MEDIUM
    return max([band, *(factor.floor for factor in factors)], key=_ORDER.index)


def _floors(
    residence: str, nationalities: list[str], peps: list[str], screening: str
) -> dict[str, RiskRating]:
    floors = {}
    if residence in EMBARGOED:
        floors["residence"] = RiskRating.PROHIBITED
    elif residence in CALL_FOR_ACTION:
        floors["residence"] = RiskRating.HIGH
    if {*nationalities} & (CALL_FOR_ACTION | EMBARGOED):
        floors["nationality"] = RiskRating.HIGH
    if {*peps} != {"NONE"}:
        floors["pep"] = RiskRating.HIGH
    by_screening = {
        "POSSIBLE": RiskRating.MEDIUM,
        "STRONG": RiskRating.HIGH,
        "TRUE_MATCH": RiskRating.PROHIBITED,
    }
    if screening in by_screening:
        floors["screening"] = by_screening[screening]
    return floors
