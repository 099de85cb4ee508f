"""What enhanced due diligence asks of officers before a client of high risk is approved.

After: FATF Recommendations 10 and 12 with their interpretive notes; Directive (EU) 2015/849,
articles 18a and 20.  The wording is the firm's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VERSION = "2026-11"
MAX_NOTE = 4000


@dataclass(frozen=True)
class CheckItem:
    """`only_pep` is asked for people with a public function; `is_senior` is a supervisor's."""

    code: str
    title: str
    help_text: str
    only_pep: bool = False
    is_senior: bool = False


CHECKLISTS: dict[str, tuple[CheckItem, ...]] = {
    VERSION: (
        CheckItem(
            "SOURCE_OF_WEALTH",
            "Source of wealth",
            "How the client came by all they own, and which document shows it.",
        ),
        CheckItem(
            "SOURCE_OF_FUNDS",
            "Source of funds",
            "Where the money for this account comes from, and which document shows it.",
        ),
        CheckItem(
            "ADVERSE_MEDIA",
            "Adverse media",
            "What was searched, where and when, and what was found.",
        ),
        CheckItem(
            "PURPOSE",
            "Purpose of the relationship",
            "Why the client needs this account with us, and whether that makes sense.",
        ),
        CheckItem(
            "PEP_POSITION",
            "Public function",
            "The function, its holder, since when and until when, and its influence.",
            only_pep=True,
        ),
        CheckItem(
            "MONITORING_PLAN",
            "Monitoring plan",
            "Which activity is expected, and from what on it is looked at.",
        ),
        CheckItem(
            "SENIOR_APPROVAL",
            "Senior approval",
            "A supervisor who did none of the other items agrees to the relationship.",
            is_senior=True,
        ),
    ),
}
SENIOR_ITEMS = {item.code for items in CHECKLISTS.values() for item in items if item.is_senior}


def checklist_of(answers: Mapping[str, Any], version: str = VERSION) -> tuple[CheckItem, ...]:
    """Return what is to be done for a client with those answers."""
    is_pep = answers.get("pep", "NONE") != "NONE"
    return tuple(item for item in CHECKLISTS[version] if is_pep or not item.only_pep)
