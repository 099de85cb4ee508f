"""HTTP API of target weights and rebalancing."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import InvalidInput, NotFound
from apps.infrastructure.api.etags import ETAG, IF_MATCH, etag, if_match
from apps.infrastructure.api.fields import DecimalField, SymbolField
from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.trading.domain.rebalancing import MAX_SYMBOLS
from apps.trading.selectors.portfolios import portfolio_get
from apps.trading.selectors.rebalancing import batch_get, batch_list, target_get
from apps.trading.services.rebalancing import rebalance_confirm, rebalance_propose, target_set
from apps.users.actors import actor_of


class WeightInput(InputSerializer):
    symbol = SymbolField()
    weight = DecimalField(min_value=0, max_value=1, max_digits=7, decimal_places=6)


class TargetInput(InputSerializer):
    """Weights are fractions of one; with `cash` they sum to one."""

    weights = serializers.ListField(child=WeightInput(), max_length=MAX_SYMBOLS)
    cash = DecimalField(min_value=0, max_value=1, max_digits=7, decimal_places=6)
    absolute_band = DecimalField(min_value=0, max_value=1, max_digits=7, decimal_places=6)
    relative_band = DecimalField(
        min_value=0, max_value=1, max_digits=7, decimal_places=6, required=False, allow_null=True
    )
    order_minimum = DecimalField(min_value=0, default="0")
    cash_kept = DecimalField(min_value=0, default="0")


class WeightOutput(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    weight = DecimalField()


class TargetOutput(serializers.Serializer[Any]):
    version = serializers.IntegerField(source="number")
    weights = serializers.SerializerMethodField()
    cash = DecimalField()
    absolute_band = DecimalField()
    relative_band = DecimalField(allow_null=True)
    order_minimum = DecimalField()
    cash_kept = DecimalField()
    created_at = serializers.DateTimeField()

    @extend_schema_field(WeightOutput(many=True))
    def get_weights(self, target: Any) -> list[dict[str, str]]:
        return [{"symbol": symbol, "weight": weight} for symbol, weight in target.weights.items()]


class LineOutput(serializers.Serializer[Any]):
    """One order, or (without a side) a part that needs none; without a symbol it is the cash."""

    symbol = serializers.CharField()
    side = serializers.CharField()
    quantity = DecimalField(allow_null=True)
    notional = DecimalField(allow_null=True)
    price = DecimalField(allow_null=True)
    fees = DecimalField(allow_null=True)
    value = DecimalField(max_digits=38, allow_null=True)
    weight = DecimalField(allow_null=True)
    target_weight = DecimalField(allow_null=True)
    reasons = serializers.ListField(child=serializers.CharField())
    status = serializers.ChoiceField(choices=["IDLE", "WAITING", "PLACED", "REFUSED"])
    code = serializers.CharField()
    message = serializers.CharField()
    order_id = serializers.UUIDField(allow_null=True)


class BatchOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    portfolio_id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=["REBALANCE", "PLAN"])
    status = serializers.ChoiceField(choices=["PROPOSED", "SELLING", "DONE"])
    created_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)


class BatchDetailOutput(BatchOutput):
    lines = serializers.SerializerMethodField()

    @extend_schema_field(LineOutput(many=True))
    def get_lines(self, batch: Any) -> Any:
        return LineOutput(batch.lines.order_by("position"), many=True).data


class TargetApi(ApiView):
    @extend_schema(parameters=[ETAG], responses={200: TargetOutput})
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        """Return the target weights in force; 404 where none were set."""
        target = target_get(actor_of(request), portfolio_id)
        if target is None:
            raise NotFound("The portfolio has no target.")
        return Response(TargetOutput(target).data, headers={"ETag": etag(str(target.number))})

    @extend_schema(request=TargetInput, parameters=[IF_MATCH], responses={200: TargetOutput})
    def put(self, request: Request, portfolio_id: UUID) -> Response:
        """Set the target weights; `If-Match` names the version that you saw, "0" for none."""
        user = actor_of(request)
        portfolio_get(user, portfolio_id)
        data = TargetInput(data=request.data)
        data.is_valid(raise_exception=True)
        terms = dict(data.validated_data)
        weights = {row["symbol"]: row["weight"] for row in terms.pop("weights")}
        if len(weights) != len(data.validated_data["weights"]):
            raise InvalidInput("A symbol stands twice.", field="weights")
        target = target_set(
            actor=user,
            portfolio_id=portfolio_id,
            weights=weights,
            version=if_match(request),
            **terms,
        )
        return Response(TargetOutput(target).data, headers={"ETag": etag(str(target.number))})


class RebalanceListApi(ApiView):
    query_parameters = PAGE_QUERY

    @extend_schema(
        parameters=PAGE_PARAMETERS, responses={200: page_schema("OrderBatchPage", BatchOutput)}
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        """List the portfolio's batches of orders, newest first."""
        rows = batch_list(actor_of(request), portfolio_id)
        return page_of(self, request, rows, BatchOutput)

    @extend_schema(request=None, responses={201: BatchDetailOutput})
    def post(self, request: Request, portfolio_id: UUID) -> Response:
        """Propose the orders that bring the portfolio back to its target; places none."""
        if request.data:
            raise InvalidInput("A request to propose has no body.", field="body")
        batch = rebalance_propose(actor=actor_of(request), portfolio_id=portfolio_id)
        return Response(BatchDetailOutput(batch).data, status.HTTP_201_CREATED)


class RebalanceDetailApi(ApiView):
    @extend_schema(responses={200: BatchDetailOutput})
    def get(self, request: Request, batch_id: UUID) -> Response:
        """Return a batch with each order, and why it stands so."""
        return Response(BatchDetailOutput(batch_get(actor_of(request), batch_id)).data)


class RebalanceConfirmApi(ApiView):
    @extend_schema(request=None, responses={202: BatchDetailOutput})
    def post(self, request: Request, batch_id: UUID) -> Response:
        """Place exactly the proposed orders, once; a refused one is shown, the others stand."""
        if request.data:
            raise InvalidInput("A confirmation has no body.", field="body")
        batch = rebalance_confirm(actor=actor_of(request), batch_id=batch_id)
        return Response(BatchDetailOutput(batch).data, status.HTTP_202_ACCEPTED)
