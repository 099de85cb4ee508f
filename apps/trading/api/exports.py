"""HTTP API of a portfolio's tables as files: what it holds, what it did and what it asked for."""

from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request

from apps.core.errors import NotFound
from apps.infrastructure.api.views import ApiView
from apps.infrastructure.exports import MEDIA_TYPE, csv_stream
from apps.trading.selectors.exports import EXPORTS
from apps.trading.selectors.portfolios import portfolio_get
from apps.users.actors import actor_of

CSV = OpenApiResponse(OpenApiTypes.STR, description="A CSV file (RFC 4180) with a header.")


class ExportFileApi(ApiView):
    @extend_schema(
        operation_id="portfolios_export_file",
        parameters=[OpenApiParameter("what", OpenApiTypes.STR, "path", enum=sorted(EXPORTS))],
        responses={(200, MEDIA_TYPE): CSV},
    )
    def get(self, request: Request, portfolio_id: UUID, what: str) -> StreamingHttpResponse:
        """Return everything of one kind in the portfolio as one file, sent while it is read.

        A text that a spreadsheet would run as a formula has an apostrophe before it.
        """
        found = EXPORTS.get(what)
        if found is None:
            raise NotFound("There is no such file.")
        portfolio = portfolio_get(actor_of(request), portfolio_id)
        header, rows = found
        return csv_stream(f"{what}.csv", header, rows(portfolio.id))
