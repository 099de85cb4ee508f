"""HTTP API of transfers between a client's own portfolios."""

import hashlib
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.domain.money import Money
from apps.core.errors import Refused
from apps.infrastructure.api.fields import DecimalField, SymbolField
from apps.infrastructure.api.idempotency import idempotent
from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.trading.api.portfolios import CURRENCIES
from apps.trading.selectors.transfers import portfolio_transfer_list
from apps.trading.services.drafts import MAX_CHOSEN_LOTS
from apps.trading.services.transfers import cash_move, units_move
from apps.users.actors import actor_of


class PortfolioTransferInput(InputSerializer):
    """Either `amount` of a `currency`, or `quantity` of a `symbol` out of the lots of `lot_ids`."""

    target_portfolio_id = serializers.UUIDField()
    currency = serializers.ChoiceField(choices=CURRENCIES, required=False)
    amount = DecimalField(min_value=0, required=False)
    symbol = SymbolField(required=False)
    quantity = DecimalField(min_value=0, required=False)
    lot_ids = serializers.ListField(
        child=serializers.UUIDField(), max_length=MAX_CHOSEN_LOTS, required=False
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = frozenset(attrs) - {"target_portfolio_id", "lot_ids"}
        if given == {"currency", "amount"} and "lot_ids" not in attrs:
            return attrs
        if given == {"symbol", "quantity"}:
            return attrs
        message = "An amount of a currency, or a quantity of a symbol."
        raise Refused(message, code="transfer_unclear")


class PortfolioTransferOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    source_portfolio_id = serializers.UUIDField(source="source_id")
    target_portfolio_id = serializers.UUIDField(source="target_id")
    kind = serializers.ChoiceField(choices=["CASH", "IN_KIND"])
    asset = serializers.CharField()
    quantity = DecimalField()
    value = DecimalField()
    created_at = serializers.DateTimeField()


class PortfolioTransferApi(ApiView):
    query_parameters = PAGE_QUERY

    @extend_schema(
        parameters=PAGE_PARAMETERS,
        responses={200: page_schema("PortfolioTransferPage", PortfolioTransferOutput)},
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        """List what went to or came from your other portfolios, newest first."""
        rows = portfolio_transfer_list(actor_of(request), portfolio_id)
        return page_of(self, request, rows, PortfolioTransferOutput)

    @extend_schema(request=PortfolioTransferInput, responses={201: PortfolioTransferOutput})
    @idempotent
    def post(self, request: Request, portfolio_id: UUID) -> Response:
        """Move cash or units to another of your portfolios, once per Idempotency-Key."""
        data = PortfolioTransferInput(data=request.data)
        data.is_valid(raise_exception=True)
        key = hashlib.sha256(request.headers["Idempotency-Key"].encode()).hexdigest()
        transfer = self._move(actor_of(request), portfolio_id, f"api-{key}", data.validated_data)
        return Response(PortfolioTransferOutput(transfer).data, status.HTTP_201_CREATED)

    @staticmethod
    def _move(actor: Any, source_id: UUID, key: str, terms: dict[str, Any]) -> Any:
        ends = {"source_id": source_id, "target_id": terms["target_portfolio_id"]}
        if "symbol" in terms:
            return units_move(
                actor=actor,
                symbol=terms["symbol"],
                quantity=terms["quantity"],
                lot_ids=terms.get("lot_ids", ()),
                idempotency_key=key,
                **ends,
            )
        amount = Money.of(terms["amount"], terms["currency"])
        return cash_move(actor=actor, amount=amount, idempotency_key=key, **ends)
