"""What an officer may ask a client for, and why: fixed words, so that none tips anybody off."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from apps.compliance.domain.kyc_reasons import reason_of
from apps.core.errors import InvalidInput, Refused

MOST_ITEMS = 20
LEAST_DAYS, MOST_DAYS = 1, 60
MAX_ANSWER = 2000
# Reminders this many business days before an item is due, the last one on the day itself.
REMIND_DAYS = (3, 0)
# Any document that proves who somebody is.
ANY_IDENTITY = "IDENTITY"


class ItemKind(StrEnum):
    DOCUMENT = "DOCUMENT"
    STEP = "STEP"
    QUESTION = "QUESTION"


@dataclass(frozen=True)
class AskedItem:
    """`subject` is a kind of document, a step or a question; due in `days` business days."""

    kind: str
    subject: str
    reason_code: str
    days: int

    @property
    def code(self) -> str:
        return f"{self.kind}:{self.subject}"


# Questions that are answered in the client's own words.
QUESTIONS = {
    "FUNDS_ORIGIN": "Where does the money that you invest come from?",
    "WEALTH_ORIGIN": "How did you come by what you own?",
    "ACCOUNT_PURPOSE": "What do you want to use your account for?",
    "EXPECTED_ACTIVITY": "How much do you expect to pay in and out, and how often?",
    "OCCUPATION": "What do you do for a living, and for whom?",
    "COUNTRY_TIES": "Which ties do you have to the countries that you named?",
    "PUBLIC_FUNCTION": "Which public function is or was it, whose, and when?",
}
_ALWAYS = ("ROUTINE", "OUT_OF_DATE")
REASONS_BY_KIND = {
    ItemKind.DOCUMENT: (
        *("DOCUMENT_UNREADABLE", "DOCUMENT_EXPIRED", "SOURCE_OF_FUNDS", "ADDRESS"),
        *_ALWAYS,
    ),
    ItemKind.STEP: ("DATA_MISMATCH", "INCOMPLETE", *_ALWAYS),
    ItemKind.QUESTION: ("INCOMPLETE", "DATA_MISMATCH", *_ALWAYS),
}


def items_checked(asked: Sequence[AskedItem], known: frozenset[str]) -> list[AskedItem]:
    """Return the items as they are asked for; `known` are the codes that there are.

    Raises InvalidInput for none or too many, or a time outside LEAST_DAYS to MOST_DAYS; Refused
    `unfit_items` for one twice or one that does not exist, `unfit_reason`.
    """
    if not 0 < len(asked) <= MOST_ITEMS:
        raise InvalidInput(f"Ask for 1 to {MOST_ITEMS} things.", field="items")
    if len({item.code for item in asked}) != len(asked):
        raise Refused("Ask for each thing once.", code="unfit_items", field="items")
    for item in asked:
        if item.code not in known:
            raise Refused("This cannot be asked for.", code="unfit_items", field="items")
        reason_of("REQUEST_INFORMATION", item.reason_code)
        if item.reason_code not in REASONS_BY_KIND[ItemKind(item.kind)]:
            raise Refused(
                "This reason does not go with what is asked.", code="unfit_reason", field="items"
            )
        if not LEAST_DAYS <= item.days <= MOST_DAYS:
            raise InvalidInput(
                f"Give the client {LEAST_DAYS} to {MOST_DAYS} business days.", field="items"
            )
    return list(asked)
