"""Files of people that a browser may keep on disk but never show or guess at."""

import re

from django.http import HttpResponse

OUR_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.[a-z]+")


def as_attachment(name: str, media_type: str, content: bytes) -> HttpResponse:
    """Return the bytes so that no browser shows, sniffs or keeps them.

    `name` is made by the server; raises ValueError for one that cannot be.
    """
    return HttpResponse(content, content_type=media_type, headers=attachment_headers(name))


def attachment_headers(name: str) -> dict[str, str]:
    """Return the headers of such an answer; raises ValueError for a name that cannot be."""
    if not OUR_NAME.fullmatch(name):
        raise ValueError("The name of an attachment is lower case, digits and hyphens.")
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
