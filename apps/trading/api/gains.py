"""HTTP API of what sales realised: lot by lot, and as a tax report."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.infrastructure.api.fields import SYMBOL_SCHEMA, DecimalField, SymbolField
from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.infrastructure.exports import MEDIA_TYPE, csv_attachment
from apps.trading.domain.lots import LotMethod
from apps.trading.selectors.gains import GAIN_CSV_HEADER, gain_cells, gain_list
from apps.trading.selectors.portfolios import portfolio_get
from apps.trading.selectors.tax_reports import CSV_HEADER, FIRST_YEAR, LAST_YEAR, tax_report
from apps.trading.services.lot_method import lot_method_change
from apps.users.actors import actor_of

SYMBOL = OpenApiParameter("symbol", SYMBOL_SCHEMA, description="Of one instrument.")
YEARS = {"type": "integer", "minimum": FIRST_YEAR, "maximum": LAST_YEAR}
YEAR = OpenApiParameter(
    "year",
    YEARS,
    description="Sold in that year, at the exchange.",
)
TAX_YEAR = OpenApiParameter("year", YEARS, OpenApiParameter.PATH)
CSV = OpenApiResponse(OpenApiTypes.STR, description="A CSV file (RFC 4180) with a header.")


class GainQuery(InputSerializer):
    symbol = SymbolField(default="")
    year = serializers.IntegerField(min_value=FIRST_YEAR, max_value=LAST_YEAR, default=None)


class GainOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    cause = serializers.CharField()
    method = serializers.CharField()
    symbol = serializers.CharField(source="lot.symbol")
    lot_id = serializers.UUIDField()
    execution_id = serializers.UUIDField(allow_null=True)
    quantity = DecimalField()
    acquired_at = serializers.DateTimeField(source="lot.acquired_at")
    sold_at = serializers.DateTimeField(source="consumed_at")
    held_days = serializers.IntegerField()
    term = serializers.CharField()
    currency = serializers.CharField(source="lot.currency")
    cost = DecimalField()
    proceeds = DecimalField()
    gain = DecimalField(source="gain.local")
    fx_rate_acquired = DecimalField(source="lot.fx_rate", decimal_places=12)
    fx_rate_sold = DecimalField(source="fx_rate", decimal_places=12)
    price_effect = DecimalField(source="gain.price_effect", max_digits=38)
    fx_effect = DecimalField(source="gain.fx_effect", max_digits=38)
    total_gain = DecimalField(source="gain.total", max_digits=38)


class TaxRowOutput(serializers.Serializer[Any]):
    description = serializers.CharField()
    symbol = serializers.CharField()
    units = DecimalField()
    acquired = serializers.DateField()
    sold = serializers.DateField()
    term = serializers.CharField()
    proceeds = DecimalField()
    cost = DecimalField()
    code = serializers.CharField()
    adjustment = DecimalField()
    gain = DecimalField()
    currency = serializers.CharField()
    portfolio_id = serializers.UUIDField()
    lot_id = serializers.UUIDField()
    execution_id = serializers.UUIDField(allow_null=True)


class TaxTotalOutput(serializers.Serializer[Any]):
    term = serializers.CharField()
    currency = serializers.CharField()
    proceeds = DecimalField(max_digits=38)
    cost = DecimalField(max_digits=38)
    adjustment = DecimalField(max_digits=38)
    gain = DecimalField(max_digits=38)


class TaxReportOutput(serializers.Serializer[Any]):
    year = serializers.IntegerField()
    rows = TaxRowOutput(many=True)
    totals = TaxTotalOutput(many=True)


class LotMethodInput(InputSerializer):
    lot_method = serializers.ChoiceField(choices=[method.value for method in LotMethod])


class LotMethodOutput(serializers.Serializer[Any]):
    portfolio_id = serializers.UUIDField(source="id")
    lot_method = serializers.CharField()


def _asked(request: Request, *names: str) -> dict[str, Any]:
    given = {name: request.query_params[name] for name in names if name in request.query_params}
    query = GainQuery(data=given)
    query.is_valid(raise_exception=True)
    return dict(query.validated_data)


class GainListApi(ApiView):
    query_parameters = PAGE_QUERY | {"symbol", "year"}

    @extend_schema(
        parameters=[*PAGE_PARAMETERS, SYMBOL, YEAR],
        responses={200: page_schema("GainPage", GainOutput)},
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        """List which lots the portfolio's sales took and what each realised, newest first.

        `price_effect` (at the rate of the purchase) and `fx_effect` are in the portfolio's
        currency and add up to `total_gain`.
        """
        portfolio = portfolio_get(actor_of(request), portfolio_id)
        rows = gain_list(portfolio.id, **_asked(request, "symbol", "year"))
        return page_of(self, request, rows, GainOutput, ordering=("-consumed_at", "-id"))


class GainFileApi(ApiView):
    query_parameters = frozenset({"year"})

    @extend_schema(parameters=[YEAR], responses={(200, MEDIA_TYPE): CSV})
    def get(self, request: Request, portfolio_id: UUID) -> HttpResponse:
        """Return which lots the portfolio's sales took as a CSV file."""
        portfolio = portfolio_get(actor_of(request), portfolio_id)
        rows = gain_list(portfolio.id, **_asked(request, "year"))
        return csv_attachment(
            "realised-gains.csv", GAIN_CSV_HEADER, (gain_cells(row) for row in rows.iterator(1000))
        )


class LotMethodApi(ApiView):
    @extend_schema(request=LotMethodInput, responses={200: LotMethodOutput})
    def put(self, request: Request, portfolio_id: UUID) -> Response:
        """Choose how sales from now on take lots; what was sold keeps the lots that it took."""
        user = actor_of(request)
        portfolio_get(user, portfolio_id)
        data = LotMethodInput(data=request.data)
        data.is_valid(raise_exception=True)
        portfolio = lot_method_change(
            actor=user, portfolio_id=portfolio_id, method=data.validated_data["lot_method"]
        )
        return Response(LotMethodOutput(portfolio).data)


class TaxReportApi(ApiView):
    @extend_schema(parameters=[TAX_YEAR], responses={200: TaxReportOutput})
    def get(self, request: Request, year: int) -> Response:
        """Return your sales of the year over all portfolios, with terms and wash sales.

        A line with code W is a loss that units bought within 30 days put off: it is added to
        their cost here, not in the portfolio's books.
        """
        return Response(TaxReportOutput(tax_report(actor_of(request).pk, year)).data)


class TaxReportFileApi(ApiView):
    @extend_schema(parameters=[TAX_YEAR], responses={(200, MEDIA_TYPE): CSV})
    def get(self, request: Request, year: int) -> HttpResponse:
        """Return the tax report of the year as a CSV file."""
        report = tax_report(actor_of(request).pk, year)
        return csv_attachment(
            f"tax-lots-{year}.csv", CSV_HEADER, (row.cells for row in report.rows)
        )
