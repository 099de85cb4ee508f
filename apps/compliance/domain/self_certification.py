"""The client's own certificate of tax residence: what is certified, in which words, what jars.

Sources: OECD, Common Reporting Standard, sections III to VII and its model self-certification
forms; Treasury Regulations 1.1471-4(c)(5)(iv) (US indicia).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.compliance.domain.countries import countries
from apps.compliance.domain.phone_codes import phone_countries
from apps.compliance.domain.questionnaires import ClientKind, tax_residences
from apps.compliance.domain.questions_shared import TAX_RESIDENCES

WORDING_VERSION = "2026-12"
WORDING = {
    ClientKind.INDIVIDUAL: "I certify that I am the person named, that the tax residences and"
    " numbers stated are mine and are all I have, and that I will send a new certificate within 30"
    " days of any change. I know that they may be given to the tax authorities.",
    ClientKind.ENTITY: "I certify that I may sign for the entity named, that its tax residences,"
    " numbers and status and those of its controllers are stated in full, and that a new"
    " certificate will be sent within 30 days of any change. I know that they may be given to the"
    " tax authorities.",
}
CERTIFIED = (
    *("given_names", "family_name", "date_of_birth", "birth_city", "birth_country", "residence"),
    *("legal_name", "legal_form", "incorporation_country", "registration_number"),
    *("address_line_1", "address_line_2", "city", "region", "postal_code", "country"),
    *("us_person", "crs_type", "fatca_status", "giin", "backup_withholding", "w9_class"),
    "more_tax_residences",
)
TAX_STEPS = ("tax", "more_tax", "us")


@dataclass(frozen=True)
class Contradiction:
    """`text` names countries, and so is for the officer's eyes only."""

    code: str
    text: str


def certified_facts(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers that a signature covers; when one changes, it covers nothing any more."""
    ends = TAX_RESIDENCES if answers.get("more_tax_residences") else TAX_RESIDENCES[:1]
    names = [f"{name}{end}" for end in ends for name in ("tax_residence", "tin", "no_tin_code")]
    names += [f"no_tin_reason{end}" for end in ends]
    return {name: answers[name] for name in (*CERTIFIED, *names) if name in answers}


def contradictions(answers: Mapping[str, Any]) -> list[Contradiction]:
    """Return where tax residence and the other answers do not go together.

    A residence, an address, a telephone number or a place of birth in a country that is no tax
    residence is an indicium that needs an explanation, not a proof.
    """
    taxed = set(tax_residences(answers))
    if not taxed:
        return []
    found = []
    for code, name, words in (
        ("RESIDENCE", "residence", "lives in"),
        ("INCORPORATION", "incorporation_country", "is under the law of"),
        ("ADDRESS", "country", "has an address in"),
        ("BUSINESS", "business_country", "does most of its business in"),
    ):
        country = answers.get(name)
        if country and country not in taxed:
            found.append(_jars(code, words, country))
    calling = phone_countries(answers.get("phone", ""))
    if calling and not calling & (taxed | {answers.get("country", "")}):
        found.append(_jars("PHONE", "has a telephone number of", *sorted(calling)))
    stated = (answers.get("nationality", ""), answers.get("second_nationality", ""))
    nationalities = {*filter(None, stated)}
    if nationalities and not nationalities & taxed and answers.get("residence") not in taxed:
        found.append(_jars("NATIONALITY", "is a national of", *sorted(nationalities)))
    us = {answers.get("birth_country"), answers.get("country"), *nationalities, *taxed}
    if "US" in us and answers.get("us_person") is False:
        found.append(_jars("US_INDICIA", "denies to be a US person and points to", "US"))
    if answers.get("us_person") and "US" not in taxed:
        found.append(_jars("US_RESIDENCE", "is a US person without a tax residence in", "US"))
    return found


def _jars(code: str, words: str, *codes: str) -> Contradiction:
    names = " or ".join(countries().get(one, one) for one in codes)
    return Contradiction(code, f"The client {words} {names}.")
