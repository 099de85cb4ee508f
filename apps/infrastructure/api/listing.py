"""Cursor pages in views and in the API's description."""

import re
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from apps.infrastructure.api.pagination import CursorPagination

# When something was posted, and its number among those of that moment.
Place = tuple[datetime, int]
PLACE = re.compile(r"\A([<>])(\d{4}-\d\d-\d\dT[\d:.]{8,15}\+00:00) (\d{1,18})\Z", re.ASCII)
PAGE_QUERY = frozenset({"cursor", "page_size"})
PAGE_PARAMETERS = [
    OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next` or `previous`."),
    OpenApiParameter(
        "page_size",
        {"type": "integer", "minimum": 1, "maximum": CursorPagination.max_page_size},
        description="Rows on a page.",
    ),
]


def page_of(
    view: APIView,
    request: Request,
    rows: QuerySet[Any],
    output: type[serializers.BaseSerializer[Any]],
    *,
    ordering: tuple[str, ...] = CursorPagination.ordering,
) -> Response:
    """Answer with one page of the rows, by cursor; raises ValidationError for a bad page size."""
    _page_size(request)
    paginator = CursorPagination()
    paginator.ordering = ordering
    page = paginator.paginate_queryset(rows, request, view=view)
    return paginator.get_paginated_response(output(page, many=True).data)


def placed_page(
    request: Request,
    rows: Callable[[Place | None, int, bool], Sequence[Any]],
    output: type[serializers.BaseSerializer[Any]],
) -> Response:
    """Answer with one page of rows that say where they stand (`place`), newest first.

    `rows` is asked for what is older than a place (None: from the newest), at most so many, or for
    the nearest that are newer.  Raises ValidationError for a bad page size, NotFound for a bad
    cursor.
    """
    size = _page_size(request)
    place, is_newer = _place_of(request.query_params.get("cursor", ""))
    found = rows(place, size + 1, is_newer)
    has_more = len(found) > size
    page = found[has_more:] if is_newer else found[:size]
    has_newer, has_older = (has_more, True) if is_newer else (place is not None, has_more)
    links = {
        "next": _link(request, page[-1].place, is_newer=False) if page and has_older else None,
        "previous": _link(request, page[0].place, is_newer=True) if page and has_newer else None,
    }
    return Response({**links, "results": output(page, many=True).data})


def _page_size(request: Request) -> int:
    size = request.query_params.get("page_size", str(CursorPagination.page_size))
    if not (size.isascii() and size.isdigit() and len(size) < 5):
        raise ValidationError({"page_size": ["Not a number."]})
    if not 1 <= int(size) <= CursorPagination.max_page_size:
        raise ValidationError({"page_size": [f"From 1 to {CursorPagination.max_page_size}."]})
    return int(size)


def _link(request: Request, place: Place, *, is_newer: bool) -> str:
    text = f"{'>' if is_newer else '<'}{place[0].isoformat()} {place[1]}"
    cursor = urlsafe_b64encode(text.encode()).decode()
    return replace_query_param(request.build_absolute_uri(), "cursor", cursor)


def _place_of(cursor: str) -> tuple[Place | None, bool]:
    """Return the place that a cursor of ours names, and whether it asks for what is newer."""
    if not cursor:
        return None, False
    try:
        text = b64decode(cursor.encode("ascii"), b"-_", validate=True).decode("ascii")
        way, at, number = PLACE.findall(text)[0]
        return (datetime.fromisoformat(at), int(number)), way == ">"
    except (ValueError, IndexError) as error:
        raise NotFound(CursorPagination.invalid_cursor_message) from error


def page_schema(
    name: str, output: type[serializers.Serializer[Any]]
) -> serializers.Serializer[Any]:
    """Describe a page of `output` to OpenAPI, under a name of its own."""
    return inline_serializer(
        name,
        {
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": output(many=True),
        },
    )
