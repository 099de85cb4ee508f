"""Cursor pages in views and in the API's description."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.infrastructure.api.pagination import CursorPagination

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
    size = request.query_params.get("page_size", "1")
    if not (size.isascii() and size.isdigit() and len(size) < 5):
        raise ValidationError({"page_size": ["Not a number."]})
    if not 1 <= int(size) <= CursorPagination.max_page_size:
        raise ValidationError({"page_size": [f"From 1 to {CursorPagination.max_page_size}."]})
    paginator = CursorPagination()
    paginator.ordering = ordering
    page = paginator.paginate_queryset(rows, request, view=view)
    return paginator.get_paginated_response(output(page, many=True).data)


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
