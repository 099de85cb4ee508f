"""Why a KYC decision is taken: the officers' codes and what the client is told."""

from dataclasses import dataclass

from apps.core.errors import Refused


@dataclass(frozen=True)
class Reason:
    """`client_text` never hints at lists, alerts or reports: tipping off is an offence."""

    outcome: str
    label: str
    client_text: str


_REJECTED = "We cannot open an account for you."
_OPEN = "Your account is open."
_PAUSED = "Your account is paused. Please contact us."
_RENEW = "Your identity check is out of date. Please renew it."
_CLOSED = "Your account is closed."
REASONS: dict[str, Reason] = {
    "VERIFIED": Reason("APPROVE", "Identity and profile verified", _OPEN),
    "VERIFIED_ENHANCED": Reason("APPROVE", "Verified after enhanced due diligence", _OPEN),
    "DOCUMENT_UNREADABLE": Reason(
        "REQUEST_INFORMATION",
        "Document cannot be read",
        "We could not read your document. Please upload a clear copy.",
    ),
    "DOCUMENT_EXPIRED": Reason(
        "REQUEST_INFORMATION",
        "Document expired or about to",
        "Your document has expired or is about to. Please upload a valid one.",
    ),
    "DATA_MISMATCH": Reason(
        "REQUEST_INFORMATION",
        "Answers differ from the documents",
        "Your answers differ from your documents. Please check them.",
    ),
    "SOURCE_OF_FUNDS": Reason(
        "REQUEST_INFORMATION",
        "Source of funds needs evidence",
        "Please upload a document that shows where your money comes from.",
    ),
    "ADDRESS": Reason(
        "REQUEST_INFORMATION",
        "Address needs evidence",
        "Please upload a document that shows your address.",
    ),
    "INCOMPLETE": Reason(
        "REQUEST_INFORMATION",
        "Answer incomplete",
        "Your answer was not complete. Please tell us more.",
    ),
    "OUT_OF_DATE": Reason(
        "REQUEST_INFORMATION",
        "May be out of date",
        "What we have may be out of date. Please confirm or renew it.",
    ),
    "ROUTINE": Reason(
        "REQUEST_INFORMATION",
        "Needed for the file",
        "We need this for our records.",
    ),
    "SANCTIONS": Reason("REJECT", "Sanctions or watchlist match", _REJECTED),
    "OUTSIDE_APPETITE": Reason("REJECT", "Risk outside the firm's appetite", _REJECTED),
    "UNVERIFIABLE": Reason("REJECT", "Identity cannot be verified", _REJECTED),
    "FALSE_INFORMATION": Reason("REJECT", "False or forged information", _REJECTED),
    "UNUSUAL_ACTIVITY": Reason("SUSPEND", "Activity to be looked into", _PAUSED),
    "IDENTITY_DOUBTFUL": Reason("SUSPEND", "Identity in doubt", _PAUSED),
    "COURT_ORDER": Reason("SUSPEND", "Order of a court or an authority", _PAUSED),
    "PROFILE_CHANGED": Reason("REVIEW", "Profile or activity changed", _OPEN),
    "ADVERSE_NEWS": Reason("REVIEW", "News about the client", _OPEN),
    "CLARIFIED": Reason("REVIEW", "Ground of the suspension clarified", _OPEN),
    "PROFILE_OUT_OF_DATE": Reason("EXPIRE", "Client must renew everything", _RENEW),
    "CLIENT_ASKED": Reason("CLOSE", "Client asked for it", _CLOSED),
    "APPLICATION_LAPSED": Reason("CLOSE", "Application not continued", _CLOSED),
    "RELATIONSHIP_ENDED": Reason("CLOSE", "Firm ended the relationship", _CLOSED),
}


# Why two officers set another risk rating than the computed one.
OVERRIDE_REASONS = {
    "LONG_STANDING": "Long-standing client whose conduct is known",
    "FACTOR_OVERSTATED": "A factor overstates the risk here",
    "COMPENSATING_CONTROLS": "Other controls lower the risk",
    "ADVERSE_INFORMATION": "Information that no factor shows",
    "CONDUCT": "The client's conduct",
}


def reason_of(outcome: str, code: str) -> Reason:
    """Return the reason; raise Refused `unfit_reason` for another outcome's."""
    reason = REASONS.get(code)
    if reason is None or reason.outcome != outcome:
        raise Refused(
            "This reason does not go with this decision.", code="unfit_reason", field="reason_code"
        )
    return reason


def reasons_by_outcome() -> dict[str, list[tuple[str, str]]]:
    """Return (code, label) pairs by outcome, for forms."""
    grouped: dict[str, list[tuple[str, str]]] = {}
    for code, reason in REASONS.items():
        grouped.setdefault(reason.outcome, []).append((code, reason.label))
    return grouped
