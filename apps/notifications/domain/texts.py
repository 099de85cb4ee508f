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
        "Please open your application. We need: {items}.",
    ),
    "kyc_information_due": (
        "KYC",
        "We still need something from you",
        "Please open your application. Not answered yet: {items}.",
    ),
    "kyc_expired": (
        "KYC",
        "Please renew your identity check",
        "It is out of date. Until it is renewed you can sell, and neither buy nor move money.",
    ),
    "document_expiring": (
        "KYC",
        "Your identity document expires soon",
        "It is valid until {date}. Please upload a new one under Verification.",
    ),
    "document_expired": (
        "KYC",
        "Your identity document has expired",
        "It was valid until {date}. Please upload a new one under Verification.",
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
    "order_canceled_by_firm": (
        "ORDER",
        "We cancelled your order",
        "We cancelled your order for {symbol}. What had traded before stays. Please ask us why.",
    ),
    "plan_run_failed": (
        "CASH",
        "Your plan did not run",
        "The run due on {due_date} did not happen ({code}). The plan goes on at its next date.",
    ),
    "plan_run_partly": (
        "CASH",
        "Your plan ran in part",
        "The deposit due on {due_date} arrived, but an order was refused ({code}).",
    ),
    "webhook_disabled": (
        "SECURITY",
        "A webhook is switched off",
        "Too many deliveries to one of your webhooks failed. Mend it, then switch it on again.",
    ),
    "operations_alert": (
        "OPERATIONS",
        "Something needs a look",
        "{message} It stands among the operations alerts until somebody acknowledges it.",
    ),
    "password_changed": (
        "SECURITY",
        "Your password was changed",
        "Everybody else was signed out. If it was not you, reset your password and tell us.",
    ),
    "email_changed": (
        "SECURITY",
        "Your e-mail address was changed",
        "You sign in with your new address from now on. If it was not you, tell us at once.",
    ),
    "social_account_connected": (
        "SECURITY",
        "Another way to sign in",
        "An account at {provider} opens your account now. If it was not you, tell us at once.",
    ),
    "social_account_disconnected": (
        "SECURITY",
        "A way to sign in was removed",
        "Your account at {provider} does not open your account any more.",
    ),
    "password_expired": (
        "SECURITY",
        "Choose a new password",
        "We ended your sessions and mailed you a link to choose a new password.",
    ),
    "second_factor_enrolled": (
        "SECURITY",
        "A second factor was set up",
        "Signing in now needs a code of your authenticator app.",
    ),
    "second_factor_replaced": (
        "SECURITY",
        "Your second factor was replaced",
        "Only codes of the new authenticator app count. If it was not you, tell us at once.",
    ),
    "second_factor_removed": (
        "SECURITY",
        "Your second factor was removed",
        "Your password alone opens your account now. If it was not you, tell us at once.",
    ),
    "second_factor_reset": (
        "SECURITY",
        "Your second factor was removed by us",
        "Two of our administrators removed it, as you asked. If you did not ask, tell us at once.",
    ),
    "second_factor_recovery_codes_renewed": (
        "SECURITY",
        "New recovery codes",
        "The recovery codes that you had before stopped working.",
    ),
    "second_factor_passkey_added": (
        "SECURITY",
        "A passkey was added",
        "It signs in to your account. If it was not you, remove it and tell us at once.",
    ),
    "second_factor_passkey_removed": (
        "SECURITY",
        "A passkey was removed",
        "It opens your account no more. If it was not you, tell us at once.",
    ),
    "api_key_created": (
        "SECURITY",
        "An API key was made",
        "It reaches your {mode} portfolios. If it was not you, revoke it in your settings.",
    ),
    "api_key_revoked": ("SECURITY", "An API key was revoked", "It opens nothing any more."),
    "refresh_token_reused": (
        "SECURITY",
        "A session was ended for safety",
        "A token of your API session was used twice, as if somebody had copied it. Sign in again.",
    ),
    "roles_changed": (
        "SECURITY",
        "Your access was changed",
        "An administrator changed your roles. Sign in again.",
    ),
    "signed_in": (
        "SECURITY",
        "New sign-in",
        "A device or network new to us signed in ({channel}). If it was not you, end its session.",
    ),
}


def text_of(code: str, facts: dict[str, str]) -> tuple[str, str, str]:
    """Return kind, title and body; raises InvalidInput for an unknown code or a missing fact."""
    try:
        kind, title, body = TEXTS[code]
        return kind, title, body.format(**facts)
    except KeyError as error:
        raise InvalidInput(f"No text for {code} with these facts.", field="code") from error
