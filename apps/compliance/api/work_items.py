"""The officers' queue over REST: what waits, taking, letting go, handing up, the next one."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.compliance.domain.work_items import Priority, WorkKind
from apps.compliance.selectors.work_items import work_get, work_list
from apps.compliance.services.work_escalations import MAX_REASON, work_page_escalate
from apps.compliance.services.work_items import work_item_assign, work_items_sync, work_next
from apps.infrastructure.api.fields import TextField
from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.users.actors import actor_of

KINDS = [kind.value for kind in WorkKind]
FILTERS = ("kind", "client_id", "held", "waits", "escalated")
# The most urgent first.
ORDER = ("due_at", "id")


class WorkFilter(InputSerializer):
    """`held`: the caller's own, or nobody's.  `waits`: for anybody, or for the caller as second.

    `escalated`: what waits for a supervisor, or what does not.
    """

    kind = serializers.ChoiceField(choices=KINDS, required=False)
    client_id = serializers.UUIDField(required=False)
    held = serializers.ChoiceField(choices=("ME", "NOBODY"), required=False)
    waits = serializers.ChoiceField(choices=("FIRST", "SECOND"), required=False)
    escalated = serializers.ChoiceField(choices=("YES", "NO"), required=False)


class WorkItemOutput(serializers.Serializer[Any]):
    """`subject_id` is the hit, record, alert or case; `page_id` what is opened to decide it."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=KINDS)
    subject_id = serializers.UUIDField()
    page_id = serializers.UUIDField()
    client_id = serializers.UUIDField(allow_null=True)
    topic = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    priority = serializers.ChoiceField(choices=[one.value for one in Priority])
    assignee_id = serializers.UUIDField(allow_null=True)
    proposed_by_id = serializers.UUIDField(allow_null=True)
    opened_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    is_escalated = serializers.BooleanField()
    escalated_by_id = serializers.UUIDField(allow_null=True)
    escalated_at = serializers.DateTimeField(allow_null=True)


class WorkInHandOutput(WorkItemOutput):
    """An item that somebody acted on: `escalation` is why it was handed to the supervisors."""

    escalation = serializers.CharField(allow_null=True)


class EscalationInput(InputSerializer):
    reason = TextField(max_length=MAX_REASON)


class NextOutput(serializers.Serializer[Any]):
    """What the caller was given; null when nothing is left."""

    item = WorkInHandOutput(allow_null=True)


class WorkListView(ApiView):
    query_parameters = PAGE_QUERY | {*FILTERS}

    @extend_schema(
        operation_id="work_items_list",
        parameters=[*PAGE_PARAMETERS, WorkFilter],
        responses={200: page_schema("WorkItemPage", WorkItemOutput)},
    )
    def get(self, request: Request) -> Response:
        asked = {name: value for name, value in request.query_params.items() if name in FILTERS}
        chosen: dict[str, Any] = self.validated(WorkFilter(data=asked))
        work_items_sync()
        return page_of(
            self, request, work_list(actor_of(request), **chosen), WorkItemOutput, ordering=ORDER
        )


class WorkNextView(ApiView):
    """Take the most urgent work that nobody has; two who ask at once get different work."""

    @extend_schema(operation_id="work_next", request=None, responses={200: NextOutput})
    def post(self, request: Request) -> Response:
        item = work_next(actor=actor_of(request))
        return Response({"item": item and WorkInHandOutput(item).data})


class WorkTakeView(ApiView):
    @extend_schema(operation_id="work_item_take", request=None, responses={200: WorkInHandOutput})
    def post(self, request: Request, work_item_id: UUID) -> Response:
        actor = actor_of(request)
        item = work_get(actor, work_item_id)
        taken = work_item_assign(actor=actor, item_id=item.id, assignee_id=actor.pk)
        return Response(WorkInHandOutput(taken).data)


class WorkReleaseView(ApiView):
    @extend_schema(operation_id="work_item_release", request=None, responses={200: WorkItemOutput})
    def post(self, request: Request, work_item_id: UUID) -> Response:
        actor = actor_of(request)
        item = work_get(actor, work_item_id)
        freed = work_item_assign(actor=actor, item_id=item.id, assignee_id=None)
        return Response(WorkItemOutput(freed).data)


class WorkEscalateView(ApiView):
    """Hand the item, and what else is decided on its page, to the supervisors."""

    @extend_schema(
        operation_id="work_item_escalate",
        request=EscalationInput,
        responses={200: WorkInHandOutput},
    )
    def post(self, request: Request, work_item_id: UUID) -> Response:
        actor = actor_of(request)
        item = work_get(actor, work_item_id)
        told: dict[str, Any] = self.validated(EscalationInput(data=request.data))
        work_page_escalate(actor=actor, page_id=item.page_id, **told)
        return Response(WorkInHandOutput(work_get(actor, item.id)).data)
