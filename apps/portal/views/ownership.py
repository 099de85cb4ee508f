"""An entity's owners and controllers: name them, say what they hold, see what follows."""

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from apps.compliance.domain.questionnaire import InvalidAnswers
from apps.compliance.domain.questions_party import PARTY_STEPS
from apps.compliance.selectors.ownership import OwnershipView, ownership_of
from apps.compliance.services.ownership import (
    holding_remove,
    holding_save,
    party_remove,
    party_save,
)
from apps.core.errors import DomainError
from apps.infrastructure.api.problems import domain_status
from apps.portal.forms.ownership import ENTITY, HoldingForm
from apps.portal.forms.verification import StepForm, initial_of
from apps.portal.views.access import client_page
from apps.users.actors import actor_of


@client_page()
def owners(request: HttpRequest) -> HttpResponseBase:
    """Show parties, holdings and what follows from them."""
    ownership = ownership_of(actor_of(request).pk)
    return render(request, "portal/owners.html", {"ownership": ownership})


@client_page()
def party_new(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Show an empty form; its id is made here, so that sending it twice makes one party."""
    if kind.upper() not in PARTY_STEPS:
        raise Http404("There is no such kind of party.")
    ownership_of(actor_of(request).pk)
    form = StepForm(step=PARTY_STEPS[kind.upper()])
    return _party_page(request, uuid4(), kind.upper(), form)


@client_page("GET", "HEAD", "POST")
def party(request: HttpRequest, party_id: UUID) -> HttpResponseBase:
    """Show a party, keep what is known of it, or take it out."""
    user = actor_of(request)
    ownership = ownership_of(user.pk)
    found = ownership.party(party_id)
    if request.method != "POST":
        if found is None:
            raise Http404("There is no such party.")
        form = StepForm(step=found.step, initial=initial_of(found.step, found.answers))
        form.suggest(found.missing)
        return _party_page(request, party_id, found.kind, form)
    if "remove" in request.POST:
        party_remove(actor=user, party_id=party_id)
        return redirect("portal:owners")
    kind = found.kind if found else request.POST.get("kind", "")
    if kind not in PARTY_STEPS:
        raise Http404("There is no such kind of party.")
    form = StepForm(request.POST, step=PARTY_STEPS[kind])
    if not form.is_valid():
        return _party_page(request, party_id, kind, form, status=400)
    try:
        party_save(actor=user, party_id=party_id, kind=kind, answers=form.answers())
    except InvalidAnswers as error:
        form.mark_refused(error.facts)
        return _party_page(request, party_id, kind, form, status=400)
    except DomainError as error:
        form.refuse(error.message)
        return _party_page(request, party_id, kind, form, status=domain_status(error))
    messages.success(request, "Kept.")
    return redirect("portal:owners")


@client_page()
def holding_new(request: HttpRequest) -> HttpResponseBase:
    ownership = ownership_of(actor_of(request).pk)
    return _holding_page(request, uuid4(), HoldingForm(ownership=ownership))


@client_page("GET", "HEAD", "POST")
def holding(request: HttpRequest, holding_id: UUID) -> HttpResponseBase:
    """Show what a party holds, keep it, or take it out."""
    user = actor_of(request)
    ownership = ownership_of(user.pk)
    if request.method != "POST":
        return _holding_page(request, holding_id, _holding_form(ownership, holding_id))
    if "remove" in request.POST:
        holding_remove(actor=user, holding_id=holding_id)
        return redirect("portal:owners")
    form = HoldingForm(request.POST, ownership=ownership)
    if not form.is_valid():
        return _holding_page(request, holding_id, form, status=400)
    try:
        holding_save(actor=user, holding_id=holding_id, **form.values())
    except DomainError as error:
        form.refuse(error.message)
        return _holding_page(request, holding_id, form, status=domain_status(error))
    messages.success(request, "Kept.")
    return redirect("portal:owners")


def _holding_form(ownership: OwnershipView, holding_id: UUID) -> HoldingForm:
    found = ownership.holding(holding_id)
    if found is None:
        raise Http404("There is no such holding.")
    votes = found.votes.normalize() if found.votes != found.shares else None
    initial = {
        "owner": str(found.owner_id or ENTITY),
        "owned": str(found.owned_id or ENTITY),
        "shares": f"{found.shares.normalize():f}" if found.shares else "",
        "votes": "" if votes is None else f"{votes:f}",
        "roles": found.roles,
    }
    return HoldingForm(initial=initial, ownership=ownership)


def _party_page(
    request: HttpRequest, party_id: UUID, kind: str, form: StepForm, *, status: int = 200
) -> HttpResponse:
    ownership = ownership_of(actor_of(request).pk)
    context = {
        "ownership": ownership,
        "party": ownership.party(party_id),
        "party_id": party_id,
        "kind": kind,
        "form": form,
    }
    return render(request, "portal/party.html", context, status=status)


def _holding_page(
    request: HttpRequest, holding_id: UUID, form: HoldingForm, *, status: int = 200
) -> HttpResponse:
    ownership = ownership_of(actor_of(request).pk)
    context = {
        "ownership": ownership,
        "holding": ownership.holding(holding_id),
        "holding_id": holding_id,
        "form": form,
    }
    return render(request, "portal/holding.html", context, status=status)
