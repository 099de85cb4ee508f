"""Alerts over REST, for staff: read, propose, confirm.  Others get 404, as if there were none."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.compliance.selectors.alerts import alert_get, alert_list, alert_timeline
from apps.compliance.services.alerts import alert_confirm, alert_propose, alert_view
from apps.infrastructure.api.fields import DecimalField, TextField
from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.users.actors import actor_of
from apps.users.step_up import require_step_up

STATUSES = ("OPEN", "PROPOSED", "CLOSED")
KINDS = ("SCREENING", "MONITORING")
DISPOSITIONS = (*("TRUE_MATCH", "FALSE_POSITIVE", "INCONCLUSIVE", "SUSPICIOUS", "NOT_SUSPICIOUS"),)


class AlertFilter(InputSerializer):
    status = serializers.ChoiceField(choices=STATUSES, required=False)
    kind = serializers.ChoiceField(choices=KINDS, required=False)


class ProposalInput(InputSerializer):
    disposition = serializers.ChoiceField(choices=DISPOSITIONS)
    reason_code = TextField(max_length=30)
    note = TextField(max_length=4000)


class EvidenceOutput(serializers.Serializer[Any]):
    reference = serializers.CharField()
    kind = serializers.CharField()
    facts = serializers.DictField()
    created_at = serializers.DateTimeField()


class TimelineOutput(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    name = serializers.CharField()
    who = serializers.CharField()
    facts = serializers.DictField()
    note = serializers.CharField()
    hash = serializers.CharField()


class AlertOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    client_id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=KINDS)
    scenario_code = serializers.CharField()
    scenario_version = serializers.IntegerField()
    status = serializers.ChoiceField(choices=STATUSES)
    score = DecimalField(max_digits=5, decimal_places=4)
    disposition = serializers.CharField()
    reason_code = serializers.CharField()
    proposed_by_id = serializers.UUIDField(allow_null=True)
    confirmed_by_id = serializers.UUIDField(allow_null=True)
    assignee_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)


class AlertDetailOutput(AlertOutput):
    parameters = serializers.DictField()
    explanation = serializers.ListField(child=serializers.DictField())
    evidence = EvidenceOutput(many=True)
    timeline = TimelineOutput(many=True)


class AlertListView(ApiView):
    query_parameters = PAGE_QUERY | {"status", "kind"}

    @extend_schema(
        parameters=[*PAGE_PARAMETERS, AlertFilter],
        responses={200: page_schema("AlertPage", AlertOutput)},
    )
    def get(self, request: Request) -> Response:
        asked = {
            name: request.query_params[name]
            for name in ("status", "kind")
            if name in request.query_params
        }
        chosen = self.validated(AlertFilter(data=asked))
        alerts = alert_list(actor_of(request)).filter(**chosen)
        return page_of(self, request, alerts, AlertOutput)


class AlertDetailView(ApiView):
    @extend_schema(responses={200: AlertDetailOutput})
    def get(self, request: Request, alert_id: UUID) -> Response:
        actor = actor_of(request)
        alert = alert_get(actor, alert_id)
        alert_view(actor=actor, alert_id=alert_id)
        body = {
            **AlertOutput(alert).data,
            "parameters": alert.parameters,
            "explanation": alert.explanation,
            "evidence": EvidenceOutput(alert.evidence.all(), many=True).data,
            "timeline": TimelineOutput(alert_timeline(alert), many=True).data,
        }
        return Response(body)


class AlertProposalView(ApiView):
    @extend_schema(request=ProposalInput, responses={200: AlertOutput})
    def post(self, request: Request, alert_id: UUID) -> Response:
        actor = actor_of(request)
        alert_get(actor, alert_id)
        proposal: dict[str, Any] = self.validated(ProposalInput(data=request.data))
        alert_propose(actor=actor, alert_id=alert_id, **proposal)
        return Response(AlertOutput(alert_get(actor, alert_id)).data)


class AlertConfirmationView(ApiView):
    @extend_schema(request=None, responses={200: AlertOutput})
    def post(self, request: Request, alert_id: UUID) -> Response:
        actor = actor_of(request)
        alert_get(actor, alert_id)
        require_step_up(request)
        alert_confirm(actor=actor, alert_id=alert_id)
        return Response(AlertOutput(alert_get(actor, alert_id)).data)
