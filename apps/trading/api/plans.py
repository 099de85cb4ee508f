"""HTTP API of recurring plans."""

import hashlib
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import InvalidInput, Refused
from apps.infrastructure.api.etags import ETAG, IF_MATCH, etag, if_match
from apps.infrastructure.api.fields import DecimalField
from apps.infrastructure.api.idempotency import idempotent
from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.trading.api.rebalancing import WeightInput, WeightOutput
from apps.trading.domain.plans import MAX_LINES
from apps.trading.selectors.rebalancing import plan_get, plan_list
from apps.trading.services.plans import (
    plan_change,
    plan_create,
    plan_end,
    plan_pause,
    plan_resume,
)
from apps.users.actors import actor_of
from apps.users.step_up import require_step_up


class PlanInput(InputSerializer):
    """`day` is 1 (Monday) to 7 of a week, or 1 to 31 of a month (its last where it is shorter)."""

    amount = DecimalField(min_value=0)
    weights = serializers.ListField(child=WeightInput(), max_length=MAX_LINES)
    frequency = serializers.ChoiceField(choices=["WEEKLY", "MONTHLY"])
    day = serializers.IntegerField(min_value=1, max_value=31)
    start_date = serializers.DateField()
    end_date = serializers.DateField(required=False, allow_null=True)


class PlanChange(InputSerializer):
    """What is not named stays; an `end_date` of null is none."""

    amount = DecimalField(min_value=0, required=False)
    weights = serializers.ListField(child=WeightInput(), max_length=MAX_LINES, required=False)
    day = serializers.IntegerField(min_value=1, max_value=31, required=False)
    end_date = serializers.DateField(required=False, allow_null=True)


class PlanOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    portfolio_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=["ACTIVE", "PAUSED", "ENDED"])
    amount = DecimalField()
    weights = serializers.SerializerMethodField()
    frequency = serializers.ChoiceField(choices=["WEEKLY", "MONTHLY"])
    day = serializers.IntegerField()
    start_date = serializers.DateField()
    end_date = serializers.DateField(allow_null=True)
    next_due_date = serializers.DateField(allow_null=True)

    @extend_schema_field(WeightOutput(many=True))
    def get_weights(self, plan: Any) -> list[dict[str, str]]:
        return [{"symbol": symbol, "weight": weight} for symbol, weight in plan.weights.items()]


class PlanRunOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    due_date = serializers.DateField()
    run_at = serializers.DateTimeField()
    status = serializers.ChoiceField(choices=["DUE", "FUNDING", "DONE", "FAILED", "SKIPPED"])
    code = serializers.CharField()
    message = serializers.CharField()
    deposit_id = serializers.UUIDField(source="transfer_id", allow_null=True)
    batch_id = serializers.UUIDField(allow_null=True)


class PlanListApi(ApiView):
    query_parameters = PAGE_QUERY

    @extend_schema(parameters=PAGE_PARAMETERS, responses={200: page_schema("PlanPage", PlanOutput)})
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        """List the portfolio's plans, newest first."""
        return page_of(self, request, plan_list(actor_of(request), portfolio_id), PlanOutput)

    @extend_schema(request=PlanInput, responses={201: PlanOutput})
    @idempotent
    def post(self, request: Request, portfolio_id: UUID) -> Response:
        """Make a plan, once per Idempotency-Key; its deposits come from the simulated bank."""
        data = PlanInput(data=request.data)
        data.is_valid(raise_exception=True)
        terms = dict(data.validated_data)
        weights = _weights(terms.pop("weights"))
        key = hashlib.sha256(request.headers["Idempotency-Key"].encode()).hexdigest()
        plan = plan_create(
            actor=actor_of(request),
            portfolio_id=portfolio_id,
            weights=weights,
            idempotency_key=f"api-{key}",
            **terms,
        )
        return Response(PlanOutput(plan).data, status.HTTP_201_CREATED)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Demand a fresh second factor before the key is looked at: no replay remembers a no."""
        super().initial(request, *args, **kwargs)
        if request.method == "POST":
            require_step_up(request)


class PlanDetailApi(ApiView):
    @extend_schema(parameters=[ETAG], responses={200: PlanOutput})
    def get(self, request: Request, plan_id: UUID) -> Response:
        """Return one of your plans."""
        return _shown(plan_get(actor_of(request), plan_id))

    @extend_schema(
        request=PlanChange,
        parameters=[IF_MATCH, ETAG],
        responses={200: PlanOutput},
    )
    def patch(self, request: Request, plan_id: UUID) -> Response:
        """Change amount, weights, day or end from the next run on."""
        require_step_up(request)
        data = PlanChange(data=request.data)
        data.is_valid(raise_exception=True)
        terms = dict(data.validated_data)
        if not terms:
            raise Refused("Say what is to change.", code="nothing_to_change")
        if "weights" in terms:
            terms["weights"] = _weights(terms["weights"])
        return _shown(
            plan_change(
                actor=actor_of(request), plan_id=plan_id, version=if_match(request), **terms
            )
        )


def _shown(plan: Any) -> Response:
    return Response(PlanOutput(plan).data, headers={"ETag": etag(plan.version)})


def _weights(rows: list[dict[str, Any]]) -> dict[str, Any]:
    weights = {row["symbol"]: row["weight"] for row in rows}
    if len(weights) != len(rows):
        raise InvalidInput("A symbol stands twice.", field="weights")
    return weights


class PlanRunListApi(ApiView):
    query_parameters = PAGE_QUERY

    @extend_schema(
        parameters=PAGE_PARAMETERS, responses={200: page_schema("PlanRunPage", PlanRunOutput)}
    )
    def get(self, request: Request, plan_id: UUID) -> Response:
        """List each time that the plan was due, newest first."""
        plan = plan_get(actor_of(request), plan_id)
        return page_of(self, request, plan.runs.order_by("-created_at", "-id"), PlanRunOutput)


def _act(request: Request, plan_id: UUID, command: Any) -> Response:
    if request.data:
        raise InvalidInput("This request has no body.", field="body")
    return Response(PlanOutput(command(actor=actor_of(request), plan_id=plan_id)).data)


class PlanPauseApi(ApiView):
    @extend_schema(request=None, responses={200: PlanOutput})
    def post(self, request: Request, plan_id: UUID) -> Response:
        """Let nothing run until the plan is resumed."""
        return _act(request, plan_id, plan_pause)


class PlanResumeApi(ApiView):
    @extend_schema(request=None, responses={200: PlanOutput})
    def post(self, request: Request, plan_id: UUID) -> Response:
        """Go on from the next due date."""
        return _act(request, plan_id, plan_resume)


class PlanEndApi(ApiView):
    @extend_schema(request=None, responses={200: PlanOutput})
    def post(self, request: Request, plan_id: UUID) -> Response:
        """End the plan for good."""
        return _act(request, plan_id, plan_end)
