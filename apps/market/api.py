"""HTTP API of the market: instruments, quotes, bars, calendar and clock, all read-only."""

from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.domain.dates import DateRange
from apps.core.domain.instruments import SYMBOL_PATTERN
from apps.core.errors import InvalidInput, NotFound
from apps.infrastructure.api.fields import DecimalField, SymbolField, TextField
from apps.infrastructure.api.pagination import CursorPagination
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.market import selectors
from apps.market.domain import sessions

MAX_SYMBOLS = 200
MAX_CALENDAR_DAYS = 366


class PageQuery(InputSerializer):
    cursor = TextField(required=False, max_length=200)
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=200)


class InstrumentQuery(PageQuery):
    exchange = serializers.RegexField(r"\A[A-Z]{4}\Z", required=False)
    asset_class = serializers.ChoiceField(
        choices=["EQUITY", "ETF", "FX", "CRYPTO", "BOND", "INDEX"], required=False
    )
    status = serializers.ChoiceField(choices=["ACTIVE", "HALTED", "DELISTED"], required=False)
    sector = TextField(required=False, max_length=50)


class InstrumentOutput(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    name = serializers.CharField()
    exchange = serializers.CharField()
    asset_class = serializers.CharField()
    currency = serializers.CharField()
    sector = serializers.CharField()
    lot_size = DecimalField()
    tick_size = DecimalField()
    status = serializers.CharField()
    is_restricted = serializers.BooleanField()
    is_tradable = serializers.BooleanField()


class PageOutput(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class InstrumentPage(PageOutput):
    results = InstrumentOutput(many=True)


@extend_schema_field(
    {
        "type": "string",
        "pattern": f"^{SYMBOL_PATTERN.pattern}(,{SYMBOL_PATTERN.pattern}){{0,{MAX_SYMBOLS - 1}}}$",
    }
)
class SymbolsField(TextField):
    """Symbols with commas between."""


class QuotesQuery(InputSerializer):
    symbols = SymbolsField(
        max_length=21 * MAX_SYMBOLS, help_text=f"1 to {MAX_SYMBOLS} symbols with commas between."
    )

    def validate_symbols(self, value: str) -> list[str]:
        symbols = value.split(",")
        if len(symbols) > MAX_SYMBOLS:
            raise serializers.ValidationError(f"At most {MAX_SYMBOLS} symbols.", code="too_many")
        if not all(SYMBOL_PATTERN.fullmatch(symbol) for symbol in symbols):
            raise serializers.ValidationError("Not a list of symbols.", code="invalid")
        return list(dict.fromkeys(symbols))


class QuoteOutput(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    bid = DecimalField()
    ask = DecimalField()
    last = DecimalField()
    volume = DecimalField()
    at = serializers.DateTimeField()
    source = serializers.CharField()  # type: ignore[assignment]


class BarQuery(PageQuery):
    symbol = SymbolField()
    start = serializers.DateField()
    end = serializers.DateField()
    source = serializers.RegexField(r"\A[a-z_]{1,20}\Z", required=False, default="")  # type: ignore[assignment]


class BarOutput(serializers.Serializer[Any]):
    """A price that the source does not publish is null."""

    symbol = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    interval = serializers.CharField()
    time = serializers.DateTimeField()
    open = DecimalField(allow_null=True)
    high = DecimalField(allow_null=True)
    low = DecimalField(allow_null=True)
    close = DecimalField(allow_null=True)
    volume = DecimalField(allow_null=True)
    adjusted_close = DecimalField()


class BarPage(PageOutput):
    results = BarOutput(many=True)


class CalendarQuery(InputSerializer):
    exchange = serializers.RegexField(r"\A[A-Z]{4}\Z")
    start = serializers.DateField()
    end = serializers.DateField()


class TradingSessionOutput(serializers.Serializer[Any]):
    """From `break_at` to `resume_at` nothing trades, where the exchange pauses at noon."""

    date = serializers.DateField()
    open_at = serializers.DateTimeField()
    close_at = serializers.DateTimeField()
    is_half_day = serializers.BooleanField()
    break_at = serializers.DateTimeField(allow_null=True)
    resume_at = serializers.DateTimeField(allow_null=True)


class ClockQuery(InputSerializer):
    exchange = serializers.RegexField(r"\A[A-Z]{4}\Z", required=False, default="XNYS")


class ClockOutput(serializers.Serializer[Any]):
    """`is_open` follows the exchange's calendar; replayed prices move round the clock."""

    at = serializers.DateTimeField()
    exchange = serializers.CharField()
    is_open = serializers.BooleanField()
    next_open = serializers.DateTimeField(allow_null=True)
    next_close = serializers.DateTimeField(allow_null=True)
    price_source = serializers.CharField()


class BySymbol(CursorPagination):
    ordering = ("symbol",)


class ByTime(CursorPagination):
    ordering = ("time",)


class QueryView(ApiView):
    """A GET whose parameters one serializer describes and checks."""

    query: type[InputSerializer] = InputSerializer

    @property
    def query_parameters(self) -> frozenset[str]:  # type: ignore[override]
        return frozenset(self.query().fields)

    def asked(self, request: Request) -> dict[str, Any]:
        return self.validated(self.query(data=request.query_params.dict()))

    def page(
        self,
        request: Request,
        rows: QuerySet[Any],
        paginator: CursorPagination,
        output: type[serializers.Serializer[Any]],
    ) -> Response:
        found = paginator.paginate_queryset(rows, request, self)
        return paginator.get_paginated_response(output(found, many=True).data)


class InstrumentListApi(QueryView):
    query = InstrumentQuery

    @extend_schema(parameters=[InstrumentQuery], responses={200: InstrumentPage})
    def get(self, request: Request) -> Response:
        """List the instruments by symbol."""
        asked = self.asked(request)
        filters = {
            name: asked[name]
            for name in ("exchange", "asset_class", "status", "sector")
            if name in asked
        }
        rows = selectors.instrument_list(only_tradable=False).filter(**filters)
        return self.page(request, rows, BySymbol(), InstrumentOutput)


def _symbol(value: str) -> str:
    if not SYMBOL_PATTERN.fullmatch(value):
        raise NotFound("There is no such instrument.")
    return value


class InstrumentApi(QueryView):
    @extend_schema(responses={200: InstrumentOutput})
    def get(self, request: Request, symbol: str) -> Response:
        """Return one instrument."""
        return Response(InstrumentOutput(selectors.instrument_get(_symbol(symbol))).data)


class QuoteListApi(QueryView):
    query = QuotesQuery

    @extend_schema(parameters=[QuotesQuery], responses={200: QuoteOutput(many=True)})
    def get(self, request: Request) -> Response:
        """Return the newest quotes; a symbol that never had one is absent."""
        found = selectors.quotes_get(self.asked(request)["symbols"])
        return Response(QuoteOutput(list(found.values()), many=True).data)


class QuoteApi(QueryView):
    @extend_schema(responses={200: QuoteOutput})
    def get(self, request: Request, symbol: str) -> Response:
        """Return the newest quote of one symbol."""
        quote = selectors.quote_get(_symbol(symbol))
        if quote is None:
            raise NotFound("There is no quote of this symbol.")
        return Response(QuoteOutput(quote).data)


class BarListApi(QueryView):
    query = BarQuery

    @extend_schema(parameters=[BarQuery], responses={200: BarPage})
    def get(self, request: Request) -> Response:
        """Return daily bars, oldest first; without a source those of the preferred one."""
        asked = self.asked(request)
        rows = selectors.bars_list(
            asked["symbol"], asked["start"], asked["end"], source=asked["source"]
        )
        return self.page(request, rows, ByTime(), BarOutput)


def _days(start: date, end: date) -> DateRange:
    days = DateRange(start, end)
    if (end - start).days >= MAX_CALENDAR_DAYS:
        raise InvalidInput(f"A range has at most {MAX_CALENDAR_DAYS} days.", field="end")
    return days


class CalendarApi(QueryView):
    query = CalendarQuery

    @extend_schema(parameters=[CalendarQuery], responses={200: TradingSessionOutput(many=True)})
    def get(self, request: Request) -> Response:
        """Return the exchange's sessions in a range of at most 366 days."""
        asked = self.asked(request)
        found = sessions.sessions(asked["exchange"], _days(asked["start"], asked["end"]))
        return Response(TradingSessionOutput(found, many=True).data)


class ClockApi(QueryView):
    query = ClockQuery

    @extend_schema(parameters=[ClockQuery], responses={200: ClockOutput})
    def get(self, request: Request) -> Response:
        """Return the server's time and whether the exchange is in session."""
        return Response(
            ClockOutput(selectors.clock_get(self.asked(request)["exchange"], timezone.now())).data
        )
