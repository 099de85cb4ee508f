"""Why an officer did something, in words that can be kept."""

from apps.core.errors import InvalidInput

MAX_REASON = 1000


def reason_checked(text: str, *, most: int = MAX_REASON) -> str:
    """Return the reason, trimmed; raises InvalidInput where it is empty, long or not storable."""
    reason = text.strip()
    if not 0 < len(reason) <= most or "\x00" in reason:
        raise InvalidInput(f"A reason of 1 to {most} characters is needed.", field="reason")
    return reason
