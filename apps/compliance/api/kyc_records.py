"""KYC over REST, for staff: records, the file of one, and what officers decide on it."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.compliance.api.kyc import DocumentSerializer
from apps.compliance.api.kyc_file import (
    ITEM_KINDS,
    OUTCOMES,
    RATINGS,
    STATUSES,
    AskedOutput,
    ChangeOutput,
    DiligenceOutput,
    FactorOutput,
    HolderOutput,
    KycDecisionOutput,
    KycFileOutput,
    KycRecordOutput,
    ReviewOutput,
)
from apps.compliance.api.ownership import OwnershipOutput
from apps.compliance.api.screening import hit_body
from apps.compliance.domain.due_diligence import CHECKLISTS
from apps.compliance.domain.due_diligence import MAX_NOTE as MAX_FINDING
from apps.compliance.domain.information import LEAST_DAYS, MOST_DAYS, MOST_ITEMS, AskedItem
from apps.compliance.domain.kyc_reasons import REASONS
from apps.compliance.domain.uploads import MAGIC
from apps.compliance.selectors.kyc_records import (
    RecordFile,
    decision_get,
    record_file,
    record_get,
    record_list,
)
from apps.compliance.services.documents import document_read
from apps.compliance.services.due_diligence import diligence_do
from apps.compliance.services.kyc_decisions import (
    MAX_NOTE,
    kyc_confirm_decision,
    kyc_propose_decision,
    kyc_view_record,
    kyc_withdraw_decision,
)
from apps.core.errors import NotFound
from apps.infrastructure.api.fields import TextField
from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.infrastructure.attachments import as_attachment
from apps.users.actors import actor_of
from apps.users.step_up import require_step_up

ASK = "REQUEST_INFORMATION"
DECIDED = [outcome for outcome in OUTCOMES if outcome != ASK]
FILTERS = ("status", "risk_rating", "client_id")
CHECKS = sorted({item.code for items in CHECKLISTS.values() for item in items})


def reason_codes(*, asks: bool) -> list[str]:
    """Return the reasons to ask the client for something, or those of every other decision."""
    return [code for code, reason in REASONS.items() if (reason.outcome == ASK) is asks]


class EvidenceField(serializers.IntegerField):
    """The version of the evidence that was read; a decision on another is refused."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_value": 2**31 - 1, **kwargs})


class KycRecordFilter(InputSerializer):
    status = serializers.ChoiceField(choices=STATUSES, required=False)
    risk_rating = serializers.ChoiceField(choices=RATINGS, required=False)
    client_id = serializers.UUIDField(required=False)


class KycDecisionInput(InputSerializer):
    outcome = serializers.ChoiceField(choices=DECIDED)
    reason_code = serializers.ChoiceField(choices=reason_codes(asks=False))
    note = TextField(max_length=MAX_NOTE, required=False, allow_blank=True)
    evidence_version = EvidenceField()


class AskedInput(InputSerializer):
    """`subject` is a kind of document, a step or a question; due in `days` business days."""

    kind = serializers.ChoiceField(choices=ITEM_KINDS)
    subject = TextField(max_length=40)
    reason_code = serializers.ChoiceField(choices=reason_codes(asks=True))
    days = serializers.IntegerField(min_value=LEAST_DAYS, max_value=MOST_DAYS)


class InformationRequestInput(InputSerializer):
    items = serializers.ListField(child=AskedInput(), min_length=1, max_length=MOST_ITEMS)
    note = TextField(max_length=MAX_NOTE, required=False, allow_blank=True)
    evidence_version = EvidenceField()


class ConfirmationInput(InputSerializer):
    evidence_version = EvidenceField()


class FindingInput(InputSerializer):
    """What an officer found out on one item of the enhanced due diligence, and what shows it."""

    code = serializers.ChoiceField(choices=CHECKS)
    note = TextField(max_length=MAX_FINDING)
    document_id = serializers.UUIDField(required=False)
    evidence_version = EvidenceField()


class KycRecordListView(ApiView):
    query_parameters = PAGE_QUERY | {*FILTERS}

    @extend_schema(
        operation_id="kyc_records_list",
        parameters=[*PAGE_PARAMETERS, KycRecordFilter],
        responses={200: page_schema("KycRecordPage", KycRecordOutput)},
    )
    def get(self, request: Request) -> Response:
        asked = {name: value for name, value in request.query_params.items() if name in FILTERS}
        chosen = self.validated(KycRecordFilter(data=asked))
        return page_of(
            self, request, record_list(actor_of(request)).filter(**chosen), KycRecordOutput
        )


class KycRecordDetailView(ApiView):
    """The record with its evidence; the access is kept in the audit trail."""

    @extend_schema(operation_id="kyc_record_read", responses={200: KycFileOutput})
    def get(self, request: Request, record_id: UUID) -> Response:
        actor = actor_of(request)
        kyc_view_record(actor=actor, record_id=record_id)
        return Response(_file_body(record_file(record_get(actor, record_id))))


class KycRecordDocumentView(ApiView):
    @extend_schema(
        operation_id="kyc_record_document",
        responses={(200, media_type): OpenApiTypes.BINARY for media_type in MAGIC},
    )
    def get(self, request: Request, record_id: UUID, document_id: UUID) -> HttpResponse:
        document, content = document_read(actor=actor_of(request), document_id=document_id)
        if document.record_id != record_id:
            raise NotFound("There is no such document.")
        return as_attachment(document.file_name, document.media_type, content)


class KycDecisionView(ApiView):
    """Decide, or propose what a second officer must confirm: look at the answer's `status`."""

    @extend_schema(
        operation_id="kyc_record_decide",
        request=KycDecisionInput,
        responses={201: KycDecisionOutput},
    )
    def post(self, request: Request, record_id: UUID) -> Response:
        actor = actor_of(request)
        record_get(actor, record_id)
        said: dict[str, Any] = self.validated(KycDecisionInput(data=request.data))
        made = kyc_propose_decision(actor=actor, record_id=record_id, **said)
        return Response(KycDecisionOutput(made).data, status=201)


class KycInformationRequestView(ApiView):
    """Ask the client for documents, for answers anew, or questions in their own words."""

    @extend_schema(
        operation_id="kyc_record_ask",
        request=InformationRequestInput,
        responses={201: KycDecisionOutput},
    )
    def post(self, request: Request, record_id: UUID) -> Response:
        actor = actor_of(request)
        record_get(actor, record_id)
        said: dict[str, Any] = self.validated(InformationRequestInput(data=request.data))
        items = [AskedItem(**item) for item in said.pop("items")]
        made = kyc_propose_decision(
            actor=actor,
            record_id=record_id,
            outcome=ASK,
            reason_code=items[0].reason_code,
            asked=items,
            **said,
        )
        return Response(KycDecisionOutput(made).data, status=201)


class KycConfirmationView(ApiView):
    @extend_schema(
        operation_id="kyc_decision_confirm",
        request=ConfirmationInput,
        responses={200: KycDecisionOutput},
    )
    def post(self, request: Request, record_id: UUID, decision_id: UUID) -> Response:
        actor = actor_of(request)
        decision_get(record_id, decision_id)
        require_step_up(request)
        said: dict[str, Any] = self.validated(ConfirmationInput(data=request.data))
        kyc_confirm_decision(actor=actor, decision_id=decision_id, **said)
        return Response(KycDecisionOutput(decision_get(record_id, decision_id)).data)


class KycWithdrawalView(ApiView):
    @extend_schema(
        operation_id="kyc_decision_withdraw", request=None, responses={200: KycDecisionOutput}
    )
    def post(self, request: Request, record_id: UUID, decision_id: UUID) -> Response:
        decision_get(record_id, decision_id)
        kyc_withdraw_decision(actor=actor_of(request), decision_id=decision_id)
        return Response(KycDecisionOutput(decision_get(record_id, decision_id)).data)


class DueDiligenceView(ApiView):
    """Write down one item of the enhanced due diligence; the evidence has a new version then."""

    @extend_schema(
        operation_id="kyc_record_check", request=FindingInput, responses={200: KycRecordOutput}
    )
    def post(self, request: Request, record_id: UUID) -> Response:
        actor = actor_of(request)
        record_get(actor, record_id)
        said: dict[str, Any] = self.validated(FindingInput(data=request.data))
        diligence_do(actor=actor, record_id=record_id, **said)
        return Response(KycRecordOutput(record_get(actor, record_id)).data)


def _file_body(file: RecordFile) -> dict[str, Any]:
    tax = file.certification
    return {
        **KycRecordOutput(file.record).data,
        "outcomes": file.outcomes,
        "steps": [
            {"code": one.code, "title": one.title, "answers": one.answers, "missing": one.missing}
            for one in file.steps
        ],
        "ownership": file.ownership and OwnershipOutput(file.ownership).data,
        "tax_certificate": {
            "is_in_force": tax.is_in_force,
            "contradictions": [one.text for one in tax.contradictions],
        },
        "documents": DocumentSerializer(file.documents, many=True).data,
        "risk_factors": FactorOutput(file.record.risk_factors, many=True).data,
        "hits": [hit_body(view) for view in file.hits],
        "checks": DiligenceOutput(file.checks, many=True).data,
        "information": AskedOutput(file.information, many=True).data,
        "decisions": KycDecisionOutput(file.decisions, many=True).data,
        "review": file.review and ReviewOutput(file.review).data,
        "changes": ChangeOutput(file.changes, many=True).data,
        "open_at": file.lock and HolderOutput(file.lock).data,
    }
