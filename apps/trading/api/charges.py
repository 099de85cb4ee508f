"""HTTP API of a portfolio's custody fees and interest."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.infrastructure.api.fields import DecimalField
from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.views import ApiView
from apps.trading.selectors.charges import charge_list
from apps.trading.selectors.portfolios import portfolio_get
from apps.users.actors import actor_of


class ChargeOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    month = serializers.DateField()
    days = serializers.IntegerField()
    amount = DecimalField()
    currency = serializers.CharField()
    status = serializers.CharField()
    entry_id = serializers.UUIDField(allow_null=True)
    booked_at = serializers.DateTimeField(allow_null=True)


class ChargeListApi(ApiView):
    query_parameters = PAGE_QUERY

    @extend_schema(
        parameters=[*PAGE_PARAMETERS], responses={200: page_schema("ChargePage", ChargeOutput)}
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        """List the portfolio's fees and interest by month, the newest first.

        `CUSTODY_FEE` was taken from the cash, `CREDIT_INTEREST` was added to it.  A fee that is
        `DUE` waits until the free cash covers it.
        """
        portfolio = portfolio_get(actor_of(request), portfolio_id)
        return page_of(self, request, charge_list(portfolio.id), ChargeOutput)
