"""The compliance officers' desk: Django's admin behind the second factor."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.constants import SELF
from csp.decorators import csp_update
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django_otp.admin import OTPAdminSite


class StratfordAdminSite(OTPAdminSite):
    site_header = "Stratford desk"
    site_title = "Stratford"
    index_title = "Desk"
    site_url = "/"

    def admin_view(
        self, view: Callable[..., HttpResponse], cacheable: bool = False
    ) -> Callable[..., HttpResponse]:
        """Let the desk's pages load scripts of this origin: Django's own tags have no nonce.

        An address with a NUL is refused: filters hand its text to the database.
        """
        guarded: Callable[..., HttpResponse] = super().admin_view(view, cacheable)

        @wraps(guarded)
        def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if any("\x00" in text for texts in request.GET.lists() for text in texts[1]):
                raise BadRequest("An address has no NUL.")
            return guarded(request, *args, **kwargs)

        return csp_update({"script-src": [SELF]})(asked)  # type: ignore[return-value]

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """There is one way to sign in, the portal's; who is signed in has no business here."""
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """There is one way to change one's password, the portal's: it is recorded and told."""
        return redirect("account_change_password")

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show the cockpit to whoever may see the queue, the plain list of tables to the others.

        Above both stands whether the firm takes orders.
        """
        # Imported late: the site is made before the tables of the applications are loaded.
        from apps.compliance.selectors.desk import desk_overview  # noqa: PLC0415
        from apps.compliance.services.work_items import work_items_sync  # noqa: PLC0415
        from apps.trading.selectors.firm import firm_switch_get  # noqa: PLC0415
        from apps.users.actors import actor_of  # noqa: PLC0415

        desk, firm = None, None
        if request.user.has_perm("compliance.view_workitem"):
            work_items_sync()
            desk = desk_overview(actor_of(request), timezone.now())
        if request.user.has_perm("trading.view_firmswitch"):
            firm = firm_switch_get()
        context = {**(extra_context or {}), "desk": desk, "firm": firm}
        page: TemplateResponse = super().index(request, context)
        return page
