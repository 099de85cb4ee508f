"""The trail, to be read and never written."""

import re

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html

from apps.audit.domain.titles import event_title
from apps.audit.models import AuditEvent, Checkpoint
from apps.infrastructure.admin import ReadOnlyAdmin

# An id of 36 characters or a hash of 64.
LONG = re.compile(
    r"([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![0-9a-f])([0-9a-f]{12})[0-9a-f]{52}"
)


class TrailAdmin(ReadOnlyAdmin):
    list_per_page = 50


@admin.register(AuditEvent)
class AuditEventAdmin(TrailAdmin):
    list_display = ("sequence", "occurred_at", "what", "about", "version", "who")
    search_fields = (
        "stream__exact",
        "name__startswith",
        "correlation_id__exact",
    )
    ordering = ("-sequence",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        actor = get_user_model().objects.filter(pk=OuterRef("actor_id"))
        rows: QuerySet[AuditEvent] = super().get_queryset(request)
        return rows.annotate(actor_email=Subquery(actor.values("email")[:1]))

    @admin.display(description="what happened", ordering="name")
    def what(self, event: AuditEvent) -> str:
        return format_html('<span title="{}">{}</span>', event.name, event_title(event.name))

    @admin.display(description="to what", ordering="stream")
    def about(self, event: AuditEvent) -> str:
        return _shortened(event.stream)

    @admin.display(description="by", ordering="actor_id")
    def who(self, event: AuditEvent) -> str:
        return str(getattr(event, "actor_email", "") or event.actor_id or "system")


@admin.register(Checkpoint)
class CheckpointAdmin(TrailAdmin):
    list_display = (
        "number",
        "created_at",
        "first_sequence",
        "last_sequence",
        "event_count",
        "digest",
    )
    ordering = ("-number",)

    @admin.display(description="hash")
    def digest(self, checkpoint: Checkpoint) -> str:
        return _shortened(checkpoint.hash)


def _shortened(text: str) -> str:
    """Return the beginning of the id in a stream's name, or of a hash; the title has all."""
    short = LONG.sub(lambda found: f"{found[1] or found[2]}…", text)
    return format_html('<code title="{}">{}</code>', text, short)
