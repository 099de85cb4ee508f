"""ETag and If-Match: nobody overwrites what they have not seen (RFC 9110)."""

import re

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

TAG = re.compile(r'(?:W/)?"([!#-~]{1,64})"')
ETAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200], description="For If-Match."
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string", "pattern": r'^(\*|"[!#-~]{1,64}")$'},
    OpenApiParameter.HEADER,
    required=True,
    description="The ETag of the object as the caller saw it; `*` for whatever it is now.",
)


def etag(version: str) -> str:
    return f'"{version}"'


def if_match(request: Request) -> str | None:
    """Return the version that the caller saw, or None for any (`*`).

    Raises ValidationError without a usable header.  A tag that a proxy made weak counts.
    """
    header = request.headers.get("If-Match", "").strip()
    if header == "*":
        return None
    found = TAG.fullmatch(header)
    if found is None:
        raise ValidationError({"If-Match": ["The object's ETag, or *, is needed."]})
    return found[1]
