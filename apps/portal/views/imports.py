"""Lots from another broker's CSV into the chosen portfolio: upload, look, import."""

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from apps.core.errors import DomainError
from apps.infrastructure.api.problems import domain_status
from apps.portal.forms.imports import ImportFileForm, ImportForm, initial_of
from apps.portal.forms.tokens import seal, unseal
from apps.portal.selectors.portfolios import portfolio_needed
from apps.portal.views.access import client_page, problem_page
from apps.trading.domain.imports import MAX_BYTES, decode, read_table
from apps.trading.selectors.imports import import_list, import_preview
from apps.trading.selectors.portfolios import portfolio_get
from apps.trading.services.imports import positions_import
from apps.users.actors import actor_of

PURPOSE = "positions-import"
RECENT = 20


@client_page("GET", "HEAD", "POST")
def imports(request: HttpRequest) -> HttpResponseBase:
    """Take in a file, show a dry run of it, and import what was shown."""
    if request.method != "POST":
        return _page(request)
    if "text" in request.POST:
        return _mapped(request)
    upload = ImportFileForm(request.POST, request.FILES)
    if not upload.is_valid():
        return _page(request, upload=upload, status=400)
    # One byte more than is allowed is enough for the domain to refuse the file.
    content = upload.cleaned_data["file"].read(MAX_BYTES + 1)
    try:
        text = decode(content)
        portfolio = portfolio_needed(actor_of(request), request.session)
        preview = import_preview(portfolio_get(actor_of(request), portfolio.id), text, None)
    except DomainError as error:
        upload.refuse(error.message, "file")
        return _page(request, upload=upload, status=domain_status(error))
    key = seal(PURPOSE, actor_of(request).pk, [str(portfolio.id), uuid4().hex])
    first = {**initial_of(preview.mapping), "text": text, "key": key}
    return _page(request, form=ImportForm(table=preview.table, initial=first), preview=preview)


def _mapped(request: HttpRequest) -> HttpResponseBase:
    """Show the dry run under the mapping that was chosen, or import it."""
    user = actor_of(request)
    try:
        table = read_table(request.POST["text"][:MAX_BYTES])
    except DomainError as error:
        return problem_page(request, error)
    form = ImportForm(request.POST, table=table)
    if not form.is_valid():
        return _page(request, form=form, status=400)
    text, preview = form.cleaned_data["text"], None
    try:
        bound_to, token = unseal(PURPOSE, user.pk, form.cleaned_data["key"])
        portfolio = portfolio_get(user, UUID(bound_to))
        preview = import_preview(portfolio, text, form.mapping())
        if request.POST.get("command") == "import":
            batch = positions_import(
                actor=user,
                portfolio_id=portfolio.id,
                text=text,
                mapping=form.mapping(),
                idempotency_key=f"portal-{token}",
            )
            is_in = batch.status == batch.Status.APPLIED
            came = "The lots are in your portfolio." if is_in else "We tell you once they arrive."
            messages.success(request, came)
            return redirect("portal:imports")
    except DomainError as error:
        form.refuse(error.message)
        return _page(request, form=form, preview=preview, status=domain_status(error))
    return _page(request, form=form, preview=preview)


def _page(
    request: HttpRequest,
    *,
    upload: ImportFileForm | None = None,
    form: ImportForm | None = None,
    preview: Any = None,
    status: int = 200,
) -> HttpResponse:
    portfolio = portfolio_needed(actor_of(request), request.session)
    context = {
        "portfolio": portfolio,
        "upload": upload or ImportFileForm(),
        "form": form,
        "preview": preview,
        "imports": import_list(portfolio.id)[:RECENT],
    }
    return render(request, "portal/import.html", context, status=status)
