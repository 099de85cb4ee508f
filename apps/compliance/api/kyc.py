"""A client's own KYC over REST; nothing here tells of hits, scores or ratings."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.compliance.api.answers import ANSWERS_SCHEMA, QuestionSerializer
from apps.compliance.domain.information import MAX_ANSWER, ItemKind
from apps.compliance.domain.kyc import KycStatus, client_status
from apps.compliance.domain.masking import MASKED_QUESTIONS
from apps.compliance.domain.questionnaires import STEP_CODES, ClientKind
from apps.compliance.domain.uploads import MAGIC, MAX_BYTES
from apps.compliance.selectors.kyc import document_kinds, document_list, kyc_view
from apps.compliance.services.documents import document_read, document_upload
from apps.compliance.services.information import information_answer
from apps.compliance.services.kyc import (
    kyc_choose_kind,
    kyc_reveal_answer,
    kyc_save_step,
    kyc_submit,
)
from apps.core.errors import InvalidInput, NotFound
from apps.infrastructure.api.parsers import StrictMultiPartParser
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.infrastructure.attachments import as_attachment
from apps.users.actors import actor_of

STEP_PARAMETER = OpenApiParameter(
    "step", {"type": "string", "enum": [*STEP_CODES]}, OpenApiParameter.PATH
)
JURISDICTIONS = ("US", "EEA", "UK", "DEFAULT")


# Not the states between: how a check goes on inside is no business of the client's.
CLIENT_STATUSES = [status.value for status in KycStatus if client_status(status) == status]


class DocumentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=document_kinds())
    version = serializers.IntegerField()
    media_type = serializers.CharField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    expiry_date = serializers.DateField(allow_null=True)
    uploaded_at = serializers.DateTimeField()


class StepSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    title = serializers.CharField()
    questions = QuestionSerializer(source="step.fields", many=True)
    answers = serializers.DictField()
    missing = serializers.ListField(child=serializers.CharField())
    is_complete = serializers.BooleanField()


class RequestedItemSerializer(serializers.Serializer[Any]):
    """One thing that is needed: a document, the answers of a step, or the answer to a question."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=[kind.value for kind in ItemKind])
    subject = serializers.CharField()
    title = serializers.CharField()
    why = serializers.CharField()
    due_date = serializers.DateField()
    is_answered = serializers.BooleanField()
    answer = serializers.CharField()


class KycSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=CLIENT_STATUSES)
    status_text = serializers.CharField()
    kind = serializers.ChoiceField(choices=[kind.value for kind in ClientKind])
    jurisdiction = serializers.ChoiceField(choices=JURISDICTIONS)
    questionnaire_version = serializers.CharField()
    is_editable = serializers.BooleanField()
    is_certified = serializers.BooleanField()
    can_submit = serializers.BooleanField()
    steps = StepSerializer(many=True)
    documents = DocumentSerializer(many=True)
    requested = RequestedItemSerializer(many=True)
    submitted_at = serializers.DateTimeField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)


class KindSerializer(InputSerializer):
    kind = serializers.ChoiceField(choices=[kind.value for kind in ClientKind])


class RevealSerializer(InputSerializer):
    question = serializers.ChoiceField(choices=MASKED_QUESTIONS)


class RevealedSerializer(serializers.Serializer[Any]):
    question = serializers.CharField()
    answer = serializers.CharField()


class UploadSerializer(InputSerializer):
    kind = serializers.ChoiceField(choices=document_kinds())
    file = serializers.FileField(allow_empty_file=True)
    expiry_date = serializers.DateField(required=False)


class AnswerSerializer(InputSerializer):
    answer = serializers.CharField(max_length=MAX_ANSWER)


class KycView(ApiView):
    @extend_schema(operation_id="kyc_retrieve", responses={200: KycSerializer})
    def get(self, request: Request) -> Response:
        return Response(KycSerializer(kyc_view(actor_of(request))).data)


class KycKindView(ApiView):
    """Whose account it is: the client's own, or that of an entity that the client acts for."""

    @extend_schema(
        operation_id="kyc_kind_choose", request=KindSerializer, responses={200: KycSerializer}
    )
    def put(self, request: Request) -> Response:
        asked: dict[str, Any] = self.validated(KindSerializer(data=request.data))
        user = actor_of(request)
        kyc_choose_kind(actor=user, kind=asked["kind"])
        return Response(KycSerializer(kyc_view(user)).data)


class KycStepView(ApiView):
    """Answers by question; a half-filled step is kept, and what is missing is named."""

    @extend_schema(
        operation_id="kyc_step_save",
        parameters=[STEP_PARAMETER],
        request={"application/json": ANSWERS_SCHEMA},
        responses={200: KycSerializer},
    )
    def put(self, request: Request, step: str) -> Response:
        if step not in STEP_CODES or not isinstance(request.data, dict):
            raise InvalidInput("A known step and an object of answers are needed.", field="step")
        user = actor_of(request)
        kyc_save_step(actor=user, step=step, answers=request.data)
        return Response(KycSerializer(kyc_view(user)).data)


class KycRevealView(ApiView):
    """A masked answer in full; every look is kept in the audit trail."""

    @extend_schema(
        operation_id="kyc_answer_reveal",
        parameters=[STEP_PARAMETER],
        request=RevealSerializer,
        responses={200: RevealedSerializer},
    )
    def post(self, request: Request, step: str) -> Response:
        asked: dict[str, Any] = self.validated(RevealSerializer(data=request.data))
        user = actor_of(request)
        record_id = kyc_view(user).record_id
        if record_id is None or step not in STEP_CODES:
            raise NotFound("There is no such answer.")
        question = asked["question"]
        value = kyc_reveal_answer(actor=user, record_id=record_id, step=step, question=question)
        return Response({"question": question, "answer": value})


class KycSubmitView(ApiView):
    @extend_schema(operation_id="kyc_submit", request=None, responses={200: KycSerializer})
    def post(self, request: Request) -> Response:
        user = actor_of(request)
        kyc_submit(actor=user)
        return Response(KycSerializer(kyc_view(user)).data)


class KycInformationView(ApiView):
    """The client's own words on a question; documents and steps are answered where they are."""

    @extend_schema(
        operation_id="kyc_information_answer",
        request=AnswerSerializer,
        responses={200: KycSerializer},
    )
    def post(self, request: Request, item_id: UUID) -> Response:
        asked: dict[str, Any] = self.validated(AnswerSerializer(data=request.data))
        user = actor_of(request)
        information_answer(actor=user, item_id=item_id, answer=asked["answer"])
        return Response(KycSerializer(kyc_view(user)).data)


class KycDocumentsView(ApiView):
    parser_classes = (StrictMultiPartParser,)

    @extend_schema(
        operation_id="kyc_documents_list",
        responses={200: DocumentSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        record_id = kyc_view(actor_of(request)).record_id
        documents = document_list(record_id) if record_id else ()
        return Response(DocumentSerializer(documents, many=True).data)

    @extend_schema(
        operation_id="kyc_documents_upload",
        request={"multipart/form-data": UploadSerializer},
        responses={201: DocumentSerializer},
    )
    def post(self, request: Request) -> Response:
        user = actor_of(request)
        asked: Any = self.validated(UploadSerializer(data=dict(request.data.items())))
        document = document_upload(
            actor=user,
            kind=asked["kind"],
            data=asked["file"].read(MAX_BYTES + 1),
            expiry_date=asked.get("expiry_date"),
        )
        view = next(item for item in document_list(document.record_id) if item.id == document.id)
        return Response(DocumentSerializer(view).data, status=201)


class KycDocumentContentView(ApiView):
    @extend_schema(
        operation_id="kyc_document_content",
        responses={(200, media_type): OpenApiTypes.BINARY for media_type in MAGIC},
    )
    def get(self, request: Request, document_id: UUID) -> HttpResponse:
        document, content = document_read(actor=actor_of(request), document_id=document_id)
        return as_attachment(document.file_name, document.media_type, content)
