"""Pages about clients, for people who may be clients themselves."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from apps.infrastructure.admin import ReadOnlyAdmin
from apps.users.actors import actor_of


class ClientRowsAdmin(ReadOnlyAdmin):
    """Rows with a `client`, without the viewer's own: no client learns of an alert or a case."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).exclude(client=actor_of(request))
