"""Plain words for the codes that officers meet on the desk."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from apps.compliance.domain.alerts import HITS_DECIDED

SCENARIOS = {
    "WATCHLIST": "Watchlist match",
    "PAYMENT": "Payment of or to somebody who may be listed",
    "DELISTED": "Entry of a true match left its list",
    "STRUCTURING": "Structuring",
    "RAPID_IN_OUT": "Rapid in and out",
}
REASONS = {
    "IDENTIFIERS_MATCH": "Identifiers match",
    "NAME_AND_BIRTH_DATE_MATCH": "Name and date of birth match",
    "CLIENT_CONFIRMED": "The client confirmed it",
    "DIFFERENT_BIRTH_DATE": "Another date of birth",
    "DIFFERENT_COUNTRY": "Another country",
    "DIFFERENT_IDENTIFIER": "Other identifiers",
    "DIFFERENT_ENTITY_TYPE": "Another kind of entity",
    "NAME_ONLY": "Only the name is alike",
    "INSUFFICIENT_DATA": "Too little data to tell",
    "INFORMATION_REQUESTED": "Information was requested",
    HITS_DECIDED: "As each hit was decided",
    "PATTERN_UNEXPLAINED": "The pattern has no explanation",
    "SOURCE_OF_FUNDS_UNCLEAR": "The source of funds is unclear",
    "INCONSISTENT_WITH_PROFILE": "It does not fit the client's profile",
    "CONSISTENT_WITH_PROFILE": "It fits the client's profile",
    "EXPLAINED_BY_DOCUMENTS": "Documents explain it",
    "ONE_OFF": "A single occasion, explained",
    "DATA_ERROR": "The data were wrong",
}
# Measures and parameters of scenarios, features of a match, facts of evidence rows.
FACTS = {
    "name": "Name",
    "birth_date": "Date of birth",
    "country": "Country",
    "gender": "Gender",
    "identifier": "Number of a document",
    "F": "Female",
    "M": "Male",
    "LEI": "LEI",
    "IMO": "IMO number",
    "BIC": "BIC",
    "MMSI": "MMSI",
    "TAX_ID": "Tax number",
    "NATIONAL_ID": "Identity number",
    "deposits_in_window": "Deposits in the time window",
    "smallest_amount": "Smallest deposit",
    "largest_amount": "Largest deposit",
    "total_amount": "Deposits together",
    "money_in": "Money paid in",
    "share_withdrawn": "Share withdrawn again",
    "share_traded": "Share traded",
    "minimum_count": "Deposits needed, at least",
    "minimum_amount": "Deposits counted from",
    "reporting_threshold": "Reporting threshold",
    "minimum_in": "Money in, at least",
    "out_share": "Share withdrawn, at least",
    "trade_share": "Share traded, at most",
    "window_hours": "Time window in hours",
    "threshold": "A hit from",
    "matcher": "Matcher's version",
    "list": "List",
    "entry": "Entry",
    "listed_name": "Listed name",
    "programmes": "Programmes",
    "occurred_at": "When",
    "score": "Score",
    "direction": "Way",
    "other_side": "Other side",
    "account": "Account",
    "disposition": "Decided as",
    "reason_code": "Reason",
    "proposal_withdrawn": "The proposal was withdrawn",
}
# How lists come.
FORMATS = {
    "OFAC_CSV": "OFAC CSV",
    "OFAC_XML": "OFAC advanced XML",
    "UN_XML": "UN XML",
    "EU_XML": "EU XML",
    "UK_XML": "UK sanctions list XML",
    "OFSI_CSV": "OFSI CSV",
    "FTM_JSON": "FollowTheMoney JSON",
    "OWN_CSV": "Own CSV",
    "OWN": "Entries of the desk",
}
_TABLES = (SCENARIOS, REASONS, FACTS, FORMATS)


def plain(code: str) -> str:
    """Return the words for a code; an unknown one is at least made readable."""
    known = next((table[code] for table in _TABLES if code in table), None)
    return known or code.replace("_", " ").capitalize()


def feature_words(row: Mapping[str, str]) -> dict[str, str]:
    """Return `words`, what a feature of a match says, and `verdict` for its colour."""
    alike, adds = Decimal(row["similarity"]), Decimal(row["contribution"])
    if row["code"] == "name":
        words = next(text for least, text in NAME_WORDS if alike >= least)
        return {"words": words, "verdict": "agrees" if alike >= NAME_WORDS[1][0] else "differs"}
    both = FEATURE_WORDS.get(row["code"], {})
    kind = "same" if alike == 1 else "other" if not alike else "near"
    # What agrees may add nothing: the name alone had reached the highest score.
    verdict = "differs" if adds < 0 else "agrees" if adds or alike == 1 else "unknown"
    return {"words": both.get(kind, ""), "verdict": verdict}


NAME_WORDS = (
    (Decimal("0.995"), "the same words"),
    (Decimal("0.900"), "nearly the same words: spelling, order or a part left out"),
    (Decimal(0), "alike, with words that differ or are missing"),
)
FEATURE_WORDS = {
    "birth_date": {
        "same": "the same day",
        "near": "the same year or month, or a year apart",
        "other": "years apart",
    },
    "country": {"same": "a country in common", "other": "no country in common"},
    "gender": {"same": "the same", "other": "another"},
    "identifier": {
        "same": "the same number: this decides",
        "other": "another number of a kind of which nobody has two",
    },
}
EVENTS = {
    "compliance.kyc.step_saved": "Answers saved",
    "compliance.kyc.viewed": "Record opened",
    "compliance.kyc.screened": "Screened against the lists",
    "compliance.kyc.hit_disposed": "Hit decided",
    "compliance.kyc.started": "Questionnaire begun",
    "compliance.kyc.submitted": "Handed in",
    "compliance.kyc.decided": "Decided",
    "compliance.kyc.document_read": "Document opened",
    "compliance.alert.viewed": "Opened and viewed",
    "compliance.alert.noted": "Note",
    "compliance.alert.proposal_rejected": "Proposal sent back",
}


def event_words(name: str) -> str:
    """Return what happened, on a page that says to what: `compliance.alert.raised` is Raised."""
    return EVENTS.get(name) or name.rpartition(".")[2].replace("_", " ").capitalize()


def day_in_words(text: str) -> str:
    """Return an ISO date as people write it."""
    day = date.fromisoformat(text)
    return f"{day.day} {day:%B %Y}"


def duration_words(span: timedelta) -> str:
    """Return `12 min`, `5 h` or `3 d 4 h`."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < 24 else f"{hours // 24} d {hours % 24} h"
