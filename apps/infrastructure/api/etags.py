"""ETag, If-Match, If-None-Match: nobody overwrites unseen, or is sent twice (RFC 9110)."""

import hashlib
import re
from typing import Any

from django.utils.cache import get_conditional_response
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

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
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETags of what the caller has: unchanged, it is not sent again.",
)
UNCHANGED = OpenApiResponse(description="What the caller has is what there is.")


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


def unless_unchanged(request: Request, data: Any) -> Response:
    """Answer with the data and their digest as ETag, or with 304 to a caller who has them."""
    tag = etag(hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:32])
    response = Response(data, headers={"ETag": tag})
    is_new = get_conditional_response(request._request, tag, response=response) is response
    return response if is_new else Response(status=304, headers={"ETag": tag})
