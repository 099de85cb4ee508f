"""The identity check: steps that are kept as they are filled in, documents, handing in."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from apps.compliance.domain.masking import masked_of
from apps.compliance.domain.questionnaire import InvalidAnswers
from apps.compliance.domain.self_certification import TAX_STEPS
from apps.compliance.domain.uploads import MAX_BYTES
from apps.compliance.selectors.kyc import KycView, StepView, kyc_view
from apps.compliance.selectors.self_certification import certification_of
from apps.compliance.services.documents import document_read, document_upload
from apps.compliance.services.information import information_answer
from apps.compliance.services.kyc import (
    kyc_choose_kind,
    kyc_reveal_answer,
    kyc_save_step,
    kyc_start,
    kyc_submit,
)
from apps.compliance.services.self_certification import self_certification_sign
from apps.core.errors import DomainError
from apps.infrastructure.api.problems import domain_status
from apps.infrastructure.attachments import as_attachment
from apps.portal.forms.documents import DocumentForm
from apps.portal.forms.verification import StepForm, initial_of
from apps.portal.views.access import client_page
from apps.users.actors import actor_of


@client_page()
def verification(request: HttpRequest) -> HttpResponseBase:
    """Say in plain words where the check stands, and what comes next."""
    return _overview(request, DocumentForm())


@client_page("GET", "HEAD", "POST")
def step(request: HttpRequest, code: str) -> HttpResponseBase:
    """Show one step, or keep its answers: a half-filled step is kept too."""
    user = actor_of(request)
    kyc = kyc_view(user)
    current = _step(kyc, code)
    if request.method != "POST":
        form = StepForm(step=current.step, initial=initial_of(current.step, current.answers))
        if current.is_started and kyc.is_editable:
            form.suggest(current.missing)
        return _step_page(request, kyc, current, form)
    if "reveal" in request.POST:
        return _revealed(request, kyc, current)
    form = StepForm(request.POST, step=current.step)
    if not form.is_valid():
        return _step_page(request, kyc, current, form, status=400)
    try:
        kyc_save_step(actor=user, step=code, answers=form.answers())
    except InvalidAnswers as error:
        form.mark_refused(error.facts)
        return _step_page(request, kyc, current, form, status=400)
    except DomainError as error:
        form.refuse(error.message)
        return _step_page(request, kyc, current, form, status=domain_status(error))
    return _after_save(request, code, form)


@client_page("POST")
def upload(request: HttpRequest) -> HttpResponseBase:
    """Take in one document."""
    form = DocumentForm(request.POST, request.FILES)
    if not form.is_valid():
        return _overview(request, form, status=400)
    # One byte more than is allowed is enough for the domain to refuse the file.
    data = form.cleaned_data["file"].read(MAX_BYTES + 1)
    try:
        document_upload(
            actor=actor_of(request),
            kind=form.cleaned_data["kind"],
            data=data,
            expiry_date=form.cleaned_data["expiry_date"],
        )
    except DomainError as error:
        form.refuse(error.message, error.facts.get("field"))
        return _overview(request, form, status=domain_status(error))
    messages.success(request, "The document was kept, encrypted.")
    return redirect("portal:verification")


@client_page("POST")
def kind(request: HttpRequest) -> HttpResponseBase:
    """Say whose account it is."""
    try:
        kyc_choose_kind(actor=actor_of(request), kind=request.POST.get("kind", ""))
    except DomainError as error:
        messages.error(request, error.message)
        return _overview(request, DocumentForm(), status=domain_status(error))
    return redirect("portal:verification")


@client_page("GET", "HEAD", "POST")
def certificate(request: HttpRequest) -> HttpResponseBase:
    """Show what is certified of the tax residence, in which words, and take the signature."""
    user = actor_of(request)
    status = 200
    if request.method == "POST":
        try:
            version = request.POST.get("wording_version", "")
            self_certification_sign(actor=user, wording_version=version)
        except DomainError as error:
            messages.error(request, error.message)
            status = domain_status(error)
        else:
            messages.success(request, "Signed.")
            return redirect("portal:verification")
    kyc = kyc_view(user)
    context = {
        "kyc": kyc,
        "certification": certification_of(kyc_start(actor=user)),
        "facts": [one for one in map(kyc.step, TAX_STEPS) if one],
    }
    return render(request, "portal/tax_certificate.html", context, status=status)


@client_page("POST")
def information(request: HttpRequest, item_id: UUID) -> HttpResponseBase:
    """Keep the client's own words on one question."""
    try:
        answer = request.POST.get("answer", "")
        information_answer(actor=actor_of(request), item_id=item_id, answer=answer)
    except DomainError as error:
        messages.error(request, error.message)
        return _overview(request, DocumentForm(), status=domain_status(error))
    messages.success(request, "Your answer was kept, encrypted.")
    return redirect("portal:verification")


@client_page("POST")
def submit(request: HttpRequest) -> HttpResponseBase:
    """Hand the check in."""
    try:
        kyc_submit(actor=actor_of(request))
    except DomainError as error:
        messages.error(request, error.message)
        return _overview(request, DocumentForm(), status=domain_status(error))
    messages.success(request, "Handed in. We will tell you as soon as it is decided.")
    return redirect("portal:verification")


@client_page("POST")
def document(request: HttpRequest, document_id: UUID) -> HttpResponseBase:
    """Give a document back to its owner; the access is logged, so it is asked for by POST."""
    found, content = document_read(actor=actor_of(request), document_id=document_id)
    return as_attachment(found.file_name, found.media_type, content)


def _step(kyc: KycView, code: str) -> StepView:
    found = kyc.step(code)
    if found is None:
        raise Http404("There is no such step.")
    return found


def _revealed(request: HttpRequest, kyc: KycView, current: StepView) -> HttpResponseBase:
    """Show the step with one masked answer in full; the look is logged."""
    question = request.POST["reveal"]
    if kyc.record_id is None:
        raise Http404("There is no such answer.")
    answer = kyc_reveal_answer(
        actor=actor_of(request), record_id=kyc.record_id, step=current.code, question=question
    )
    shown = {**initial_of(current.step, current.answers), question: answer}
    return _step_page(request, kyc, current, StepForm(step=current.step, initial=shown))


def _after_save(request: HttpRequest, code: str, form: StepForm) -> HttpResponseBase:
    kyc = kyc_view(actor_of(request))
    saved = _step(kyc, code)
    if "later" in request.POST:
        messages.success(request, "Kept. Come back whenever you like.")
        return redirect("portal:verification")
    if saved.missing:
        form.mark_missing(saved.missing)
        return _step_page(request, kyc, saved, form, status=422)
    codes = [step.code for step in kyc.steps]
    place = codes.index(code) + 1
    if place < len(codes):
        return redirect("portal:verification_step", code=codes[place])
    return redirect("portal:verification")


def _step_page(
    request: HttpRequest, kyc: KycView, current: StepView, form: StepForm, *, status: int = 200
) -> HttpResponse:
    codes = [step.code for step in kyc.steps]
    context = {
        "kyc": kyc,
        "current": current,
        "form": form,
        "masked": masked_of(current.step, current.answers),
        "number": codes.index(current.code) + 1,
        "count": len(codes),
    }
    return render(request, "portal/verification_step.html", context, status=status)


def _overview(request: HttpRequest, form: DocumentForm, *, status: int = 200) -> HttpResponse:
    context = {"kyc": kyc_view(actor_of(request)), "form": form}
    return render(request, "portal/verification.html", context, status=status)
