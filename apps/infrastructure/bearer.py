"""The one reading of `Authorization: Bearer`: what authenticates is also what is counted."""

from django.http import HttpRequest
from rest_framework.request import Request


def bearer_of(request: HttpRequest | Request) -> str | None:
    """Return the credential behind the scheme, "" for none there; None for any other header."""
    header = str(request.META.get("HTTP_AUTHORIZATION", ""))
    words = header.encode("latin-1", errors="replace").split()
    if not words or words[0].lower() != b"bearer":
        return None
    return b" ".join(words[1:]).decode("latin-1")
