"""HTTP API of what issuers do to the client's holdings."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.infrastructure.api.fields import DecimalField
from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.views import ApiView
from apps.trading.selectors.corporate_actions import action_list
from apps.users.actors import actor_of


class EntitlementOutput(serializers.Serializer[Any]):
    portfolio_id = serializers.UUIDField()
    units = DecimalField()
    units_after = DecimalField()
    gross = DecimalField()
    withheld = DecimalField()
    net = DecimalField()
    entry_ids = serializers.ListField(child=serializers.UUIDField())
    applied_at = serializers.DateTimeField(source="created_at")
    reversed_at = serializers.DateTimeField(allow_null=True)


class CorporateActionOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    status = serializers.CharField()
    symbol = serializers.CharField()
    new_symbol = serializers.CharField()
    currency = serializers.CharField()
    ex_date = serializers.DateField()
    record_date = serializers.DateField(allow_null=True)
    pay_date = serializers.DateField(allow_null=True)
    ratio_new = DecimalField(allow_null=True)
    ratio_old = DecimalField(allow_null=True)
    cash_in_lieu = DecimalField(allow_null=True)
    amount = DecimalField(allow_null=True)
    withholding_rate = DecimalField()
    announced_in = serializers.CharField(source="source")
    created_at = serializers.DateTimeField()
    effects = EntitlementOutput(many=True, source="own")


class CorporateActionListApi(ApiView):
    query_parameters = PAGE_QUERY

    @extend_schema(
        parameters=PAGE_PARAMETERS,
        responses={200: page_schema("CorporateActionPage", CorporateActionOutput)},
    )
    def get(self, request: Request) -> Response:
        """List what issuers did, or will do, to what you hold, newest first.

        `effects` says what it did to each of your portfolios.
        """
        return page_of(self, request, action_list(actor_of(request)), CorporateActionOutput)
