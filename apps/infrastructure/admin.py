"""What the desk's pages share: rows are read, and what changes them is a command."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME, ActionForm
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse


class ReadOnly:
    """Nobody adds, types over or deletes here; for pages and for rows inside them."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, admin.ModelAdmin[Any]):
    """A read-only page; the tables are long, so that it does not count every row of them."""

    show_full_result_count = False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Filter by what the page offers: by any other column rows would tell its value bit by bit.

        Django lets every column of the table be named, so also hashes of passwords.
        """
        if request is None or lookup.partition("__")[0] not in self._offered(request):
            return False
        return super().lookup_allowed(lookup, value, request)

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Refuse rows whose keys are none, before Django asks the database for them."""
        for text in request.POST.getlist(ACTION_CHECKBOX_NAME):
            try:
                self.opts.pk.to_python(text)
            except ValidationError as error:
                raise BadRequest("There is no such row.") from error
        return super().response_action(request, queryset)

    def _offered(self, request: HttpRequest) -> set[Any]:
        return {self.date_hierarchy, *map(_parameter, self.get_list_filter(request))}


def _parameter(item: Any) -> Any:
    """Return what a filter is called in the address: its own name, or that of its column."""
    if isinstance(item, tuple):
        return item[0]
    return getattr(item, "parameter_name", item)


def reason_form(length: int) -> type[ActionForm]:
    """Return the form beside a page's actions that asks why, in at most that many characters."""

    class ReasonForm(ActionForm):
        reason = forms.CharField(max_length=length, required=False, label="Reason")

    return ReasonForm
