"""Event names as sentences, for people who read the trail."""

SHORT = {"kyc": "KYC", "totp": "TOTP", "api": "API", "ws": "WebSocket"}


def event_title(name: str) -> str:
    """Return `trading.order.filled` as `Order filled`, `compliance.kyc.viewed` as `KYC viewed`."""
    words = name.partition(".")[2].replace(".", " ").replace("_", " ").split()
    if not words:
        return name
    first = SHORT.get(words[0], words[0].capitalize())
    return " ".join([first, *(SHORT.get(word, word) for word in words[1:])])
