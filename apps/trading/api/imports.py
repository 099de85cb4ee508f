"""HTTP API of lots that come from another broker's CSV: a dry run, then the import."""

import hashlib
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.infrastructure.api.fields import DecimalField, TextField
from apps.infrastructure.api.idempotency import idempotent
from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.trading.domain.imports import (
    MAX_BYTES,
    MAX_COLUMNS,
    Column,
    ColumnMapping,
    DateOrder,
    DecimalSign,
)
from apps.trading.selectors.imports import import_list, import_preview
from apps.trading.selectors.portfolios import portfolio_get
from apps.trading.services.imports import positions_import
from apps.users.actors import actor_of


def _place(*, required: bool) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=0, max_value=MAX_COLUMNS - 1, required=required)


class MappingInput(InputSerializer):
    """Columns are counted from 0; a lot has either its whole `cost` or a `price` a unit."""

    symbol = _place(required=True)
    quantity = _place(required=True)
    acquired = _place(required=True)
    cost = _place(required=False)
    price = _place(required=False)
    dates = serializers.ChoiceField(choices=[one.value for one in DateOrder], default="YMD")
    decimals = serializers.ChoiceField(choices=[one.value for one in DecimalSign], default="POINT")


class ImportPreviewInput(InputSerializer):
    content = TextField(max_length=MAX_BYTES, trim_whitespace=False)
    mapping = MappingInput(required=False)


class ImportInput(InputSerializer):
    content = TextField(max_length=MAX_BYTES, trim_whitespace=False)
    mapping = MappingInput()


class MappingOutput(serializers.Serializer[Any]):
    columns = serializers.DictField(child=serializers.IntegerField())
    dates = serializers.CharField()
    decimals = serializers.CharField()


class ImportLotOutput(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    symbol = serializers.CharField()
    quantity = DecimalField()
    acquired_on = serializers.DateField()
    cost = DecimalField()
    currency = serializers.CharField()


class ImportErrorOutput(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    column = serializers.CharField()
    code = serializers.CharField()


class ImportPreviewOutput(serializers.Serializer[Any]):
    header = serializers.ListField(child=serializers.CharField(), source="table.header")
    mapping = MappingOutput()
    lots = ImportLotOutput(many=True)
    row_errors = ImportErrorOutput(many=True, source="errors")
    can_come_in = serializers.BooleanField()


class ImportOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.CharField()
    lots = serializers.IntegerField(source="lots_count")
    value = DecimalField(allow_null=True)
    entry_id = serializers.UUIDField(allow_null=True)
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)


def _mapping(given: dict[str, Any]) -> ColumnMapping:
    columns = {one: given[one.value.lower()] for one in Column if one.value.lower() in given}
    return ColumnMapping(columns, DateOrder(given["dates"]), DecimalSign(given["decimals"]))


class ImportPreviewApi(ApiView):
    @extend_schema(request=ImportPreviewInput, responses={200: ImportPreviewOutput})
    def post(self, request: Request, portfolio_id: UUID) -> Response:
        """Say what a broker's CSV would bring in, row by row; nothing is kept.

        Without a mapping the columns are guessed from their headings.
        """
        portfolio = portfolio_get(actor_of(request), portfolio_id)
        asked: dict[str, Any] = self.validated(ImportPreviewInput(data=request.data))
        given = asked.get("mapping")
        preview = import_preview(portfolio, asked["content"], given and _mapping(given))
        return Response(ImportPreviewOutput(preview).data)


class ImportListApi(ApiView):
    query_parameters = PAGE_QUERY

    @extend_schema(
        parameters=[*PAGE_PARAMETERS], responses={200: page_schema("ImportPage", ImportOutput)}
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        """List the files whose lots were brought in, newest first."""
        portfolio = portfolio_get(actor_of(request), portfolio_id)
        return page_of(self, request, import_list(portfolio.id), ImportOutput)

    @extend_schema(request=ImportInput, responses={201: ImportOutput})
    @idempotent
    def post(self, request: Request, portfolio_id: UUID) -> Response:
        """Bring in the lots of a broker's CSV, all or none, once per Idempotency-Key.

        On a live portfolio they are `REQUESTED` until operations have the units.
        """
        asked: dict[str, Any] = self.validated(ImportInput(data=request.data))
        key = hashlib.sha256(request.headers["Idempotency-Key"].encode()).hexdigest()
        batch = positions_import(
            actor=actor_of(request),
            portfolio_id=portfolio_id,
            text=asked["content"],
            mapping=_mapping(asked["mapping"]),
            idempotency_key=f"api-{key}",
        )
        return Response(ImportOutput(batch).data, status.HTTP_201_CREATED)
