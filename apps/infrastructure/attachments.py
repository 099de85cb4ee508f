"""Files of people that a browser may keep on disk but never show or guess at."""

from django.http import HttpResponse


def as_attachment(name: str, media_type: str, content: bytes) -> HttpResponse:
    """Return the bytes so that no browser shows, sniffs or keeps them."""
    return HttpResponse(
        content,
        content_type=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )
