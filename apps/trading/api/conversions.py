"""HTTP API of conversions between currencies."""

import hashlib
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.domain.money import Money
from apps.infrastructure.api.fields import DecimalField, TextField
from apps.infrastructure.api.idempotency import idempotent
from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.trading.api.portfolios import CURRENCIES
from apps.trading.selectors.conversions import conversion_list
from apps.trading.services.conversions import (
    MAX_TOKEN_LENGTH,
    conversion_make,
    conversion_preview,
)
from apps.users.actors import actor_of

RATE = {"max_digits": 38, "decimal_places": 12}


class ConversionPreviewInput(InputSerializer):
    amount = DecimalField(min_value=0)
    from_currency = serializers.ChoiceField(choices=CURRENCIES)
    to_currency = serializers.ChoiceField(choices=CURRENCIES)


class ConversionQuoteOutput(serializers.Serializer[Any]):
    quote = serializers.CharField(source="token")
    sold_amount = DecimalField(source="terms.sold.amount")
    sold_currency = serializers.CharField(source="terms.sold.currency")
    bought_amount = DecimalField(source="terms.bought.amount")
    bought_currency = serializers.CharField(source="terms.bought.currency")
    rate = DecimalField(source="terms.rate", **RATE)
    reference_rate = DecimalField(source="terms.reference", **RATE)
    reference_date = serializers.DateField(source="terms.reference_on")
    reference_source = serializers.CharField(source="terms.source")
    spread_bps = DecimalField(source="terms.spread_bps")
    expires_at = serializers.DateTimeField()


class ConversionInput(InputSerializer):
    quote = TextField(max_length=MAX_TOKEN_LENGTH)


class ConversionOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    sold_amount = DecimalField()
    sold_currency = serializers.CharField()
    bought_amount = DecimalField()
    bought_currency = serializers.CharField()
    rate = DecimalField(**RATE)
    reference_rate = DecimalField(**RATE)
    reference_date = serializers.DateField()
    spread_bps = DecimalField()
    created_at = serializers.DateTimeField()


class ConversionPreviewApi(ApiView):
    @extend_schema(request=ConversionPreviewInput, responses={200: ConversionQuoteOutput})
    def post(self, request: Request, portfolio_id: UUID) -> Response:
        """Quote a conversion; sent back until `expires_at`, the quote is kept."""
        data = ConversionPreviewInput(data=request.data)
        data.is_valid(raise_exception=True)
        quote = conversion_preview(
            actor=actor_of(request),
            portfolio_id=portfolio_id,
            amount=Money(data.validated_data["amount"], data.validated_data["from_currency"]),
            target=data.validated_data["to_currency"],
        )
        return Response(ConversionQuoteOutput(quote).data)


class ConversionApi(ApiView):
    @property
    def query_parameters(self) -> frozenset[str]:  # type: ignore[override]
        return PAGE_QUERY if self.request.method == "GET" else frozenset()

    @extend_schema(
        parameters=PAGE_PARAMETERS,
        responses={200: page_schema("ConversionPage", ConversionOutput)},
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        """List the portfolio's conversions, newest first."""
        conversions = conversion_list(actor_of(request), portfolio_id)
        return page_of(self, request, conversions, ConversionOutput)

    @extend_schema(request=ConversionInput, responses={201: ConversionOutput})
    @idempotent
    def post(self, request: Request, portfolio_id: UUID) -> Response:
        """Convert at the quoted rate, once per Idempotency-Key and once per quote."""
        data = ConversionInput(data=request.data)
        data.is_valid(raise_exception=True)
        key = hashlib.sha256(request.headers["Idempotency-Key"].encode()).hexdigest()
        conversion = conversion_make(
            actor=actor_of(request),
            portfolio_id=portfolio_id,
            token=data.validated_data["quote"],
            idempotency_key=f"api-{key}",
        )
        return Response(ConversionOutput(conversion).data, status.HTTP_201_CREATED)
