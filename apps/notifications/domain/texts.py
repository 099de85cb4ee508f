"""The words in which people are told; none of them says that a hit or a report exists."""

from apps.core.errors import InvalidInput

# body code → (kind, title, body)
TEXTS: dict[str, tuple[str, str, str]] = {
    "kyc_approved": ("KYC", "Your account is approved", "You can deposit money and trade now."),
    "kyc_rejected": (
        "KYC",
        "We cannot open your account",
        "We reviewed your application and cannot offer you an account.",
    ),
    "kyc_needs_information": (
        "KYC",
        "We need more information",
        "Please open your application: we marked what is missing.",
    ),
    "kyc_under_review": (
        "KYC",
        "Your account is being reviewed",
        "We review every account from time to time. We will tell you when it is done.",
    ),
    "cash_deposited": ("CASH", "Money arrived", "We received {amount} {currency}."),
    "cash_withdrawn": ("CASH", "Money sent", "We sent {amount} {currency} to your bank."),
    "order_filled": (
        "ORDER",
        "Order filled",
        "{side} {quantity} {symbol} at {price} {currency}.",
    ),
    "order_rejected": ("ORDER", "Order rejected", "Your order for {symbol} was not accepted."),
    "webhook_disabled": (
        "SECURITY",
        "A webhook is switched off",
        "Too many deliveries to one of your webhooks failed. Mend it, then switch it on again.",
    ),
    "signed_in": ("SECURITY", "New sign-in", "Somebody signed in to your account ({channel})."),
}


def text_of(code: str, facts: dict[str, str]) -> tuple[str, str, str]:
    """Return kind, title and body; raises InvalidInput for an unknown code or a missing fact."""
    try:
        kind, title, body = TEXTS[code]
        return kind, title, body.format(**facts)
    except KeyError as error:
        raise InvalidInput(f"No text for {code} with these facts.", field="code") from error
