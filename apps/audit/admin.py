"""The trail, to be read and never written."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.audit.models import AuditEvent, Checkpoint


class TrailAdmin(admin.ModelAdmin[Any]):
    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AuditEvent)
class AuditEventAdmin(TrailAdmin):
    list_display = ("sequence", "occurred_at", "name", "stream", "version", "actor_id")
    search_fields = (
        "stream__exact",
        "name__startswith",
        "correlation_id__exact",
    )
    ordering = ("-sequence",)


@admin.register(Checkpoint)
class CheckpointAdmin(TrailAdmin):
    list_display = (
        "number",
        "created_at",
        "first_sequence",
        "last_sequence",
        "event_count",
        "hash",
    )
    ordering = ("-number",)
