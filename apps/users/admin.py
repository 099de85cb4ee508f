"""Users in the admin: administrators read them and demand a new password, nothing more."""

from typing import Any

from allauth.account.internal.flows.password_reset import request_password_reset
from allauth.account.models import EmailAddress
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.contrib.auth.tokens import default_token_generator
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.infrastructure.admin import ReadOnlyAdmin
from apps.users.actors import actor_of
from apps.users.models import User
from apps.users.services.accounts import password_expire

# Roles come from code, addresses belong to their owners.
for model in (Group, EmailAddress):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("email", "display_name", "roles", "is_active", "last_login")
    list_filter = ("is_active", "is_staff", "groups")
    search_fields = ("email",)
    search_help_text = "Part of an e-mail address, or a whole name"
    ordering = ("email",)
    fields = (
        "id",
        "email",
        "display_name",
        "roles",
        "is_active",
        "is_staff",
        "date_joined",
        "last_login",
    )
    readonly_fields = fields
    actions = ("require_password_reset",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """Names are encrypted, so a whole name is found and a part of one is not."""
        found, duplicates = super().get_search_results(request, queryset, search_term)
        named = [user.pk for user in User.objects.named(search_term)] if search_term else []
        return (found | queryset.filter(pk__in=named) if named else found), duplicates

    @admin.display(description="roles")
    def roles(self, user: User) -> str:
        return ", ".join(sorted(group.name for group in user.groups.all()))

    @admin.action(description="Require a new password (mail a reset link)", permissions=["view"])
    def require_password_reset(self, request: HttpRequest, queryset: Any) -> None:
        for chosen in queryset:
            user = password_expire(actor=actor_of(request), user_id=chosen.pk)
            request_password_reset(request, user.email, [user], default_token_generator)
        messages.success(request, f"{len(queryset)} passwords have expired; the links are mailed.")
