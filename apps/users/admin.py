"""Users in the admin: administrators manage access here, and see nothing else of a client."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from allauth.account.forms import default_token_generator
from allauth.account.internal.flows.password_reset import request_password_reset
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from apps.core.errors import DomainError, NotFound, NotPermitted
from apps.infrastructure.admin import ReadOnlyAdmin
from apps.infrastructure.security_log import record
from apps.users.actors import actor_of
from apps.users.domain.roles import Role
from apps.users.forms import AssignmentForm
from apps.users.models import AccessChange, AdviserAssignment, User
from apps.users.selectors import assignment_candidates
from apps.users.services import access
from apps.users.services.advisers import PERMISSION, adviser_assign, adviser_unassign
from apps.users.step_up import step_up_page, step_up_required

# Roles come from code, addresses and other accounts belong to their owners.
for model in (Group, EmailAddress, SocialAccount, SocialApp, SocialToken):
    if admin.site.is_registered(model):
        admin.site.unregister(model)

Post = Callable[[User, UUID, dict[str, str]], object]


def _role(form: dict[str, str]) -> Role:
    if form.get("role") not in set(Role):
        raise NotFound("There is no such role.")
    return Role(form["role"])


def _change(form: dict[str, str]) -> UUID:
    try:
        return UUID(form.get("change", ""))
    except ValueError as error:
        raise NotFound("There is no such proposal.") from error


COMMANDS: dict[str, Post] = {
    "propose": lambda actor, user_id, form: access.access_propose(
        actor=actor,
        user_id=user_id,
        kind=form.get("kind", ""),
        role=form.get("role", ""),
        reason=form.get("reason", ""),
    ),
    "confirm": lambda actor, _, form: access.access_confirm(actor=actor, change_id=_change(form)),
    "decline": lambda actor, _, form: access.access_decline(actor=actor, change_id=_change(form)),
    "remove_role": lambda actor, user_id, form: access.role_remove(
        actor=actor, user_id=user_id, role=_role(form)
    ),
    "disable": lambda actor, user_id, _: access.user_disable(actor=actor, user_id=user_id),
    "end_sessions": lambda actor, user_id, _: access.user_sessions_end(
        actor=actor, user_id=user_id
    ),
}


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """Staff are listed; a client is found by the exact e-mail address that they gave."""

    list_display = ("email", "roles", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    search_fields = ("email",)
    search_help_text = "A client's whole e-mail address"
    ordering = ("email",)
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        email = search_term.strip().lower()
        return queryset.filter(Q(email=email) if email else Q(is_staff=True)), False

    @admin.display(description="roles")
    def roles(self, user: User) -> str:
        return ", ".join(sorted(group.name for group in user.groups.all()))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one user's access; a POST names its command."""
        try:
            user = User.objects.filter(pk=UUID(object_id)).first()
        except ValueError as error:
            raise Http404 from error
        if user is None:
            raise Http404
        if not self.has_view_permission(request, user):
            raise PermissionDenied
        if request.method == "POST":
            return self._post(request, user)  # type: ignore[return-value]
        return TemplateResponse(request, "admin/users/user/access.html", self._page(request, user))

    def _post(self, request: HttpRequest, user: User) -> HttpResponseBase:
        asked = step_up_page(request)
        if asked is not None:
            return asked
        name = request.POST.get("command", "")
        try:
            if name == "reset_password":
                user = access.password_expire(actor=actor_of(request), user_id=user.pk)
                request_password_reset(request, user.email, [user], default_token_generator)
            elif name in COMMANDS:
                COMMANDS[name](actor_of(request), user.pk, request.POST.dict())
            else:
                raise Http404
        except DomainError as error:
            if isinstance(error, NotPermitted):
                record("admin.denied", request=request, code=error.code)
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, "Done, and on record.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:users_user_change", args=[user.pk]))

    def _page(self, request: HttpRequest, user: User) -> dict[str, Any]:
        actor, held = actor_of(request), sorted(user.role_names)
        waiting = user.access_changes.filter(status=AccessChange.Status.PROPOSED)
        return {
            **self.admin_site.each_context(request),
            "title": user.email,
            "opts": User._meta,
            "person": user,
            "held": held,
            "others": [role.value for role in Role if role.value not in held],
            "kinds": AccessChange.Kind,
            "waiting": waiting.select_related("proposed_by").order_by("created_at"),
            "is_self": actor.pk == user.pk,
            "actor": actor,
        }


@admin.register(AdviserAssignment)
class AdviserAssignmentAdmin(ReadOnlyAdmin):
    """Who advises whom: given and ended by an administrator, through commands."""

    list_display = ("adviser", "client", "created_at", "ended_at")
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    list_select_related = ("adviser", "client")
    search_fields = ("=adviser__email", "=client__email")
    ordering = ("-created_at",)
    actions = ("end_selected",)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PERMISSION)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(step_up_required(self.assign_view))
        return [path("assign/", view, name="users_adviserassignment_assign"), *super().get_urls()]

    def assign_view(self, request: HttpRequest) -> HttpResponse:
        """Choose an adviser and a client, and let the one read the account of the other."""
        form = AssignmentForm(request.POST or None, candidates=assignment_candidates())
        if request.method == "POST" and form.is_valid():
            try:
                adviser_assign(actor=actor_of(request), **form.ids())
            except DomainError as error:
                form.add_error(None, error.message)
            else:
                self.message_user(request, "Assigned, and on record.", messages.SUCCESS)
                return redirect("admin:users_adviserassignment_changelist")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Assign a client to an adviser",
            "form": form,
        }
        template = "admin/users/adviserassignment/assign.html"
        return TemplateResponse(request, template, context, status=400 if form.errors else 200)

    @admin.action(description="End the selected assignments", permissions=["end"])
    def end_selected(self, request: HttpRequest, queryset: "QuerySet[AdviserAssignment]") -> None:
        for assignment_id in queryset.values_list("pk", flat=True):
            try:
                adviser_unassign(actor=actor_of(request), assignment_id=assignment_id)
            except DomainError as error:
                self.message_user(request, error.message, messages.ERROR)
            else:
                self.message_user(request, "Ended, and on record.", messages.SUCCESS)
