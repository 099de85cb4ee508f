"""How the queue is narrowed down; saved views keep these parameters."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.compliance.domain.work_items import AGES, KIND_WORDS, soon_at
from apps.compliance.models import WorkItem
from apps.compliance.selectors.work_items import assignees, topics
from apps.users.actors import actor_of

Items = QuerySet[WorkItem]


class StateFilter(admin.SimpleListFilter):
    """What waits, unless what is decided is asked for."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("decided", "Decided")]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": "Waiting"} if choice["display"] == "All" else choice

    def queryset(self, request: HttpRequest, queryset: Items) -> Items:
        return queryset.filter(closed_at__isnull=self.value() != "decided")


class WaitsFilter(admin.SimpleListFilter):
    """For the first decision, or for a second officer."""

    title = "what it waits for"
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("first", "A decision"),
            ("second", "A second officer: me"),
            ("others", "A second officer: not me"),
        ]

    def queryset(self, request: HttpRequest, queryset: Items) -> Items:
        match self.value():
            case "first":
                return queryset.filter(proposed_by=None)
            case "second":
                waiting = WorkItem.objects.awaiting_second(actor_of(request))
                return queryset.filter(id__in=waiting.values("id"))
            case "others":
                return queryset.filter(proposed_by=actor_of(request))
        return queryset


class HeldFilter(admin.SimpleListFilter):
    """Whose it is."""

    title = "assignee"
    parameter_name = "held"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        people = [(str(person.pk), str(person)) for person in assignees()]
        return [("me", "Mine"), ("nobody", "Nobody's"), *people]

    def queryset(self, request: HttpRequest, queryset: Items) -> Items:
        match self.value():
            case None:
                return queryset
            case "me":
                return queryset.filter(assignee=actor_of(request))
            case "nobody":
                return queryset.filter(assignee=None)
        person = next((pk for pk, _ in self.lookup_choices if pk == self.value()), None)
        return queryset.filter(assignee__id=person) if person else queryset.none()


class SlaFilter(admin.SimpleListFilter):
    """Against the clock of business hours."""

    title = "deadline"
    parameter_name = "sla"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("late", "Late"), ("soon", "Due soon"), ("later", "Later")]

    def queryset(self, request: HttpRequest, queryset: Items) -> Items:
        now = timezone.now()
        match self.value():
            case "late":
                return queryset.filter(due_at__lt=now)
            case "soon":
                return queryset.filter(due_at__gte=now, due_at__lt=soon_at(now))
            case "later":
                return queryset.filter(due_at__gte=soon_at(now))
        return queryset


class AgeFilter(admin.SimpleListFilter):
    """How long it has waited, by the hours of the clock."""

    title = "age"
    parameter_name = "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code, words) for code, words, *_ in AGES]

    def queryset(self, request: HttpRequest, queryset: Items) -> Items:
        now = timezone.now()
        for code, _, low, high in AGES:
            if code == self.value():
                return queryset.filter(opened_at__lte=now - low, opened_at__gt=now - high)
        return queryset


class KindFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind.value, words) for kind, words in KIND_WORDS.items()]

    def queryset(self, request: HttpRequest, queryset: Items) -> Items:
        return queryset.filter(kind=self.value()) if self.value() else queryset


class TopicFilter(admin.SimpleListFilter):
    """A list, a scenario, a state: what the items of a kind are told apart by."""

    title = "list or scenario"
    parameter_name = "topic"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return topics()

    def queryset(self, request: HttpRequest, queryset: Items) -> Items:
        return queryset.filter(topic=self.value()) if self.value() else queryset


class EscalatedFilter(admin.SimpleListFilter):
    """What officers handed to the supervisors."""

    title = "escalated"
    parameter_name = "escalated"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "To the supervisors")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WorkItem]) -> QuerySet[WorkItem]:
        if self.value() != "yes":
            return queryset
        return queryset.filter(id__in=WorkItem.objects.escalated().values("id"))


FILTERS = (
    *(StateFilter, KindFilter, WaitsFilter, HeldFilter, SlaFilter, "priority", AgeFilter),
    *(EscalatedFilter, TopicFilter),
)
