"""Screening over REST, for staff: names on demand, hits and what officers say of them."""

from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.compliance.domain.reasons import MAX_REASON
from apps.compliance.domain.search_terms import KINDS, MAX_BYTES, MAX_CELL
from apps.compliance.selectors.hits import hit_get, hit_list, hit_shown
from apps.compliance.selectors.screening_searches import (
    EXPORT_HEADER,
    search_export,
    search_rows,
)
from apps.compliance.services.hits import DISPOSITIONS, hits_dispose
from apps.compliance.services.screening_searches import (
    MAX_PURPOSE,
    file_search,
    name_search,
    search_view,
)
from apps.infrastructure.api.fields import DecimalField, TextField
from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.parsers import StrictMultiPartParser
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.infrastructure.exports import MEDIA_TYPE, csv_stream
from apps.users.actors import actor_of

HIT_STATUSES = ("OPEN", *DISPOSITIONS, "SUPERSEDED")
SEARCH_STATUSES = ("RUNNING", "DONE", "FAILED")
VERDICTS = ("agrees", "differs", "unknown")
ROWS_SHOWN = 100


class SearchInput(InputSerializer):
    name = TextField(max_length=MAX_CELL)
    kind = serializers.ChoiceField(choices=KINDS, required=False)
    birth_date = TextField(max_length=10, required=False)
    country = TextField(max_length=2, required=False)
    identifier = TextField(max_length=MAX_CELL, required=False)
    purpose = TextField(max_length=MAX_PURPOSE)


class SearchFileInput(InputSerializer):
    file = serializers.FileField(allow_empty_file=True)
    purpose = TextField(max_length=MAX_PURPOSE)


class FeatureOutput(serializers.Serializer[Any]):
    code = serializers.CharField()
    words = serializers.CharField()
    verdict = serializers.ChoiceField(choices=VERDICTS)
    listed = serializers.CharField()
    similarity = DecimalField(max_digits=4, decimal_places=3)
    contribution = DecimalField(max_digits=4, decimal_places=3)


class ResultOutput(serializers.Serializer[Any]):
    list_code = serializers.CharField()
    entry = serializers.CharField()
    kind = serializers.ChoiceField(choices=KINDS)
    listed_name = serializers.CharField()
    score = DecimalField(max_digits=4, decimal_places=3)
    is_hit = serializers.BooleanField()
    features = FeatureOutput(many=True)


class SearchRowOutput(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    results = ResultOutput(many=True)


class SearchOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=SEARCH_STATUSES)
    row_count = serializers.IntegerField()
    done_count = serializers.IntegerField()
    hit_count = serializers.IntegerField()
    matcher_version = serializers.CharField()
    list_versions = serializers.DictField(child=serializers.IntegerField())
    created_at = serializers.DateTimeField()
    rows = serializers.SerializerMethodField()

    @extend_schema_field(SearchRowOutput(many=True))
    def get_rows(self, search: Any) -> Any:
        rows = search_rows(search, only_hits=False, limit=ROWS_SHOWN)
        return SearchRowOutput(rows, many=True).data


class HitFilter(InputSerializer):
    status = serializers.ChoiceField(choices=HIT_STATUSES, required=False)
    client_id = serializers.UUIDField(required=False, source="record__client_id")


class HitOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    record_id = serializers.UUIDField()
    client_id = serializers.UUIDField(source="record.client_id")
    party_id = serializers.UUIDField(allow_null=True)
    evidence_version = serializers.IntegerField(source="record.evidence_version")
    list_code = serializers.CharField(source="entity.list_code")
    entry = serializers.CharField(source="entity.uid")
    listed_name = serializers.CharField()
    score = DecimalField(max_digits=4, decimal_places=3)
    status = serializers.ChoiceField(choices=HIT_STATUSES)
    created_at = serializers.DateTimeField()


class HitDetailOutput(HitOutput):
    features = FeatureOutput(many=True)
    changes = serializers.ListField(child=serializers.CharField())


class HitDecisionInput(InputSerializer):
    disposition = serializers.ChoiceField(choices=DISPOSITIONS)
    reason_code = TextField(max_length=30)
    reason = TextField(max_length=MAX_REASON)
    evidence_version = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


class SearchListView(ApiView):
    @extend_schema(
        operation_id="screening_search_create", request=SearchInput, responses={201: SearchOutput}
    )
    def post(self, request: Request) -> Response:
        given: dict[str, Any] = self.validated(SearchInput(data=request.data))
        purpose = given.pop("purpose")
        search = name_search(actor=actor_of(request), purpose=purpose, given=given)
        return Response(SearchOutput(search).data, status=201)


class SearchFileView(ApiView):
    parser_classes = (StrictMultiPartParser,)

    @extend_schema(
        operation_id="screening_search_file_create",
        request={"multipart/form-data": SearchFileInput},
        responses={201: SearchOutput},
    )
    def post(self, request: Request) -> Response:
        """Compare a CSV of names in the background; the same file again is the same search."""
        given: Any = self.validated(SearchFileInput(data=dict(request.data.items())))
        search = file_search(
            actor=actor_of(request),
            purpose=given["purpose"],
            content=given["file"].read(MAX_BYTES + 1),
        )
        return Response(SearchOutput(search).data, status=201)


class SearchResultsView(ApiView):
    @extend_schema(
        operation_id="screening_search_results",
        responses={(200, MEDIA_TYPE): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, search_id: UUID) -> HttpResponseBase:
        """Return every name of a search with what was found, as CSV."""
        actor = actor_of(request)
        search = search_view(actor=actor, search_id=search_id, how="EXPORTED")
        return csv_stream("screening-results.csv", EXPORT_HEADER, search_export(search))


class SearchDetailView(ApiView):
    @extend_schema(operation_id="screening_search_read", responses={200: SearchOutput})
    def get(self, request: Request, search_id: UUID) -> Response:
        search = search_view(actor=actor_of(request), search_id=search_id)
        return Response(SearchOutput(search).data)


class HitListView(ApiView):
    query_parameters = PAGE_QUERY | {"status", "client_id"}

    @extend_schema(
        operation_id="screening_hits_list",
        parameters=[*PAGE_PARAMETERS, HitFilter],
        responses={200: page_schema("HitPage", HitOutput)},
    )
    def get(self, request: Request) -> Response:
        asked = {
            name: request.query_params[name]
            for name in ("status", "client_id")
            if name in request.query_params
        }
        chosen = self.validated(HitFilter(data=asked))
        return page_of(self, request, hit_list(actor_of(request)).filter(**chosen), HitOutput)


class HitDetailView(ApiView):
    @extend_schema(operation_id="screening_hit_read", responses={200: HitDetailOutput})
    def get(self, request: Request, hit_id: UUID) -> Response:
        return Response(hit_body(hit_shown(actor=actor_of(request), hit_id=hit_id)))


class HitDecisionView(ApiView):
    @extend_schema(
        operation_id="screening_hit_decide",
        request=HitDecisionInput,
        responses={200: HitDetailOutput},
    )
    def post(self, request: Request, hit_id: UUID) -> Response:
        actor = actor_of(request)
        hit_get(actor, hit_id)
        said: dict[str, Any] = self.validated(HitDecisionInput(data=request.data))
        hits_dispose(actor=actor, hit_ids=[hit_id], **said)
        return Response(hit_body(hit_shown(actor=actor, hit_id=hit_id)))


def hit_body(view: Any) -> dict[str, Any]:
    """Write a hit with what speaks for and against it."""
    return {
        **HitOutput(view.hit).data,
        "features": FeatureOutput(view.features, many=True).data,
        "changes": view.changes,
    }
