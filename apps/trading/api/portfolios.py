"""HTTP API of portfolios and of what the ledger says about them."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.domain.money import MINOR_UNITS
from apps.infrastructure.api.fields import DecimalField, TextField
from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.ledger.selectors import balances_of, entries_of
from apps.trading.selectors.portfolios import portfolio_get, portfolio_list
from apps.trading.services.portfolios import MAX_NAME_LENGTH, portfolio_open
from apps.users.actors import actor_of

CURRENCIES = sorted(MINOR_UNITS)


class PortfolioInput(InputSerializer):
    name = TextField(max_length=MAX_NAME_LENGTH)
    currency = serializers.ChoiceField(choices=CURRENCIES, default="USD")


class PortfolioOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    currency = serializers.CharField()
    mode = serializers.CharField()
    lot_method = serializers.CharField()
    created_at = serializers.DateTimeField()


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
    id = serializers.UUIDField()
    kind = serializers.CharField()
    reference = serializers.CharField()
    reverses = serializers.UUIDField(source="reverses_id", allow_null=True)
    posted_at = serializers.DateTimeField()
    postings = PostingOutput(many=True)


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
        """Open a paper portfolio."""
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
        entries = entries_of(portfolio.id)
        return page_of(self, request, entries, EntryOutput, ordering=("-posted_at", "-id"))
