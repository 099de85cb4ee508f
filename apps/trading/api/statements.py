"""HTTP API of the statements of a portfolio's accounts."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.domain.dates import DateRange
from apps.core.errors import NotFound, Refused
from apps.infrastructure.api.fields import DecimalField, SymbolField
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.infrastructure.attachments import as_attachment
from apps.ledger.domain.legs import FLOORED_KINDS, AccountKind
from apps.ledger.selectors import STATEMENT_FORMS, Statement, statement_bytes, statement_read
from apps.trading.selectors.portfolios import portfolio_get
from apps.users.actors import actor_of


class StatementQuery(InputSerializer):
    account = serializers.ChoiceField(
        choices=sorted(kind.value for kind in FLOORED_KINDS), default="CASH"
    )
    asset = SymbolField()
    start = serializers.DateField()
    end = serializers.DateField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["end"] < attrs["start"]:
            raise Refused("The statement ends before it starts.", code="range_reversed")
        return attrs


class StatementOutput(serializers.Serializer[Any]):
    account = serializers.CharField(source="account.kind")
    asset = serializers.CharField(source="account.asset")
    start = serializers.DateField(source="days.start")
    end = serializers.DateField(source="days.end")
    opening_balance = DecimalField(source="opening", max_digits=38)
    closing_balance = DecimalField(source="closing", max_digits=38)
    postings = serializers.IntegerField(source="count")


class StatementView(ApiView):
    """What a statement and its files share."""

    query_parameters = frozenset({"account", "asset", "start", "end"})

    def statement(self, request: Request, portfolio_id: UUID) -> tuple[Statement, str]:
        """Return what was asked for, and the portfolio's name."""
        portfolio = portfolio_get(actor_of(request), portfolio_id)
        asked: dict[str, Any] = self.validated(StatementQuery(data=request.query_params.dict()))
        days = DateRange(asked["start"], asked["end"])
        found = statement_read(portfolio.id, AccountKind(asked["account"]), asked["asset"], days)
        return found, portfolio.name


class StatementApi(StatementView):
    @extend_schema(parameters=[StatementQuery], responses={200: StatementOutput})
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        """Return opening and closing balance of an account over days in UTC, both included."""
        return Response(StatementOutput(self.statement(request, portfolio_id)[0]).data)


class StatementFileApi(StatementView):
    @extend_schema(
        operation_id="portfolios_statement_file",
        parameters=[
            StatementQuery,
            OpenApiParameter("form", OpenApiTypes.STR, "path", enum=sorted(STATEMENT_FORMS)),
        ],
        responses={
            (200, media_type): OpenApiTypes.BINARY for media_type in STATEMENT_FORMS.values()
        },
    )
    def get(self, request: Request, portfolio_id: UUID, form: str) -> Any:
        """Return the statement with every posting and the balance after it."""
        if form not in STATEMENT_FORMS:
            raise NotFound("There is no such file.")
        statement, name = self.statement(request, portfolio_id)
        content = statement_bytes(statement, form, f"Statement of {name}")
        days = statement.days
        return as_attachment(
            f"statement-{days.start}-{days.end}.{form}", STATEMENT_FORMS[form], content
        )
