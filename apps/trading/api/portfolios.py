"""HTTP API of portfolios and of what the ledger says about them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.domain.money import MINOR_UNITS
from apps.core.errors import InvalidInput
from apps.infrastructure.api.fields import DecimalField, TextField
from apps.infrastructure.api.listing import (
    PAGE_PARAMETERS,
    PAGE_QUERY,
    Place,
    page_schema,
    placed_page,
)
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.ledger.selectors import PlacedEntry, balances_of, entries_of
from apps.trading.domain.lots import LotMethod
from apps.trading.selectors.portfolios import portfolio_get, portfolio_list
from apps.trading.services.portfolios import (
    MAX_NAME_LENGTH,
    portfolio_close,
    portfolio_open,
    portfolio_rename,
)
from apps.users.actors import actor_of

CURRENCIES = sorted(MINOR_UNITS)


class PortfolioInput(InputSerializer):
    name = TextField(max_length=MAX_NAME_LENGTH)
    currency = serializers.ChoiceField(choices=CURRENCIES, default="USD")
    mode = serializers.ChoiceField(choices=["PAPER", "LIVE"], default="PAPER")
    lot_method = serializers.ChoiceField(
        choices=[method.value for method in LotMethod], default=LotMethod.FIFO.value
    )


class RenameInput(InputSerializer):
    name = TextField(max_length=MAX_NAME_LENGTH, required=False)


class PortfolioOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    currency = serializers.CharField()
    mode = serializers.CharField()
    lot_method = serializers.CharField()
    created_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)


class BalanceOutput(serializers.Serializer[Any]):
    kind = serializers.CharField()
    asset = serializers.CharField()
    balance = DecimalField(max_digits=38)


class PortfolioDetailOutput(PortfolioOutput):
    balances = BalanceOutput(many=True)


class PostingOutput(serializers.Serializer[Any]):
    account = serializers.CharField(source="account.kind")
    asset = serializers.CharField()
    amount = DecimalField(max_digits=38)


class EntryOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="entry.id")
    kind = serializers.CharField(source="entry.kind")
    reference = serializers.CharField(source="entry.reference")
    reverses = serializers.UUIDField(source="entry.reverses_id", allow_null=True)
    posted_at = serializers.DateTimeField(source="entry.posted_at")
    postings = PostingOutput(source="entry.postings", many=True)


class PortfolioListApi(ApiView):
    @extend_schema(operation_id="portfolios_list", responses=PortfolioOutput(many=True))
    def get(self, request: Request) -> Response:
        """List your portfolios, oldest first."""
        portfolios = portfolio_list(actor_of(request))
        return Response(PortfolioOutput(portfolios, many=True).data)

    @extend_schema(
        request=PortfolioInput,
        responses={
            201: PortfolioOutput,
        },
    )
    def post(self, request: Request) -> Response:
        """Open a portfolio; a live one only where a live venue is configured."""
        data = PortfolioInput(data=request.data)
        data.is_valid(raise_exception=True)
        user = actor_of(request)
        portfolio = portfolio_open(actor=user, client=user, **data.validated_data)
        return Response(PortfolioOutput(portfolio).data, status.HTTP_201_CREATED)


class PortfolioDetailApi(ApiView):
    @extend_schema(
        responses={
            200: PortfolioDetailOutput,
        }
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        """Return the portfolio with its balance on every account."""
        portfolio = portfolio_get(actor_of(request), portfolio_id)
        balances = BalanceOutput(balances_of(portfolio.id), many=True).data
        return Response({**PortfolioOutput(portfolio).data, "balances": balances})

    @extend_schema(request=RenameInput, responses={200: PortfolioOutput})
    def patch(self, request: Request, portfolio_id: UUID) -> Response:
        """Give the portfolio another name."""
        user = actor_of(request)
        portfolio = portfolio_get(user, portfolio_id)
        data = RenameInput(data=request.data)
        data.is_valid(raise_exception=True)
        if data.validated_data:
            name = data.validated_data["name"]
            portfolio = portfolio_rename(actor=user, portfolio_id=portfolio_id, name=name)
        return Response(PortfolioOutput(portfolio).data)


class PortfolioCloseApi(ApiView):
    @extend_schema(request=None, responses={200: PortfolioOutput})
    def post(self, request: Request, portfolio_id: UUID) -> Response:
        """Close the empty portfolio for good: it is read and takes nothing."""
        if request.data:
            raise InvalidInput("A request to close has no body.", field="body")
        portfolio = portfolio_close(actor=actor_of(request), portfolio_id=portfolio_id)
        return Response(PortfolioOutput(portfolio).data)


class LedgerEntryListApi(ApiView):
    query_parameters = PAGE_QUERY

    @extend_schema(
        parameters=PAGE_PARAMETERS,
        responses={
            200: page_schema("LedgerEntryPage", EntryOutput),
        },
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        """List the portfolio's ledger entries, newest first, each with the portfolio's postings."""
        portfolio = portfolio_get(actor_of(request), portfolio_id)

        def entries(place: Place | None, limit: int, is_newer: bool) -> Sequence[PlacedEntry]:
            return entries_of(portfolio.id, limit=limit, place=place, is_newer=is_newer)

        return placed_page(request, entries, EntryOutput)
