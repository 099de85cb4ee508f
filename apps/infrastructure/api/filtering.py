"""Filters of lists: django-filter's, strict about what they take."""

from typing import Any

from django.db.models import QuerySet
from django_filters import FilterSet
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request


def filtered(
    filters: type[FilterSet], request: Request, rows: QuerySet[Any], *, also: frozenset[str]
) -> QuerySet[Any]:
    """Return the rows that the request's filters keep; `also` names its other parameters.

    Raises ValidationError for a value that is none of the filter's, and for an empty one: a filter
    that was meant and did not filter would show too much.
    """
    given = {name: value for name, value in request.query_params.items() if name not in also}
    empty = {name: [ErrorDetail("Not a value.", "invalid")] for name in given if not given[name]}
    filterset = filters(given, queryset=rows)
    if empty or not filterset.is_valid():
        raise ValidationError(empty or filterset.errors)
    kept: QuerySet[Any] = filterset.qs
    return kept
