"""Addresses of the clients' pages."""

from django.urls import path, register_converter
from django.views.generic import TemplateView

from apps.core.domain.instruments import SYMBOL_PATTERN
from apps.portal.views import activity, portfolios, settings, verification


class SymbolConverter:
    """A part of an address that can be a symbol; any other address is no page."""

    regex = SYMBOL_PATTERN.pattern

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(SymbolConverter, "symbol")

app_name = "portal"
frame = TemplateView.as_view(template_name="portal/base.html")
urlpatterns = [
    path("", frame, name="dashboard"),
    path("portfolios/", portfolios.open_portfolio, name="portfolio_open"),
    path(
        "portfolios/<uuid:portfolio_id>/",
        portfolios.select_portfolio,
        name="portfolio_select",
    ),
    path("money/deposit/", frame, name="deposit"),
    path("trade/", frame, name="trade"),
    path("orders/", frame, name="orders"),
    path("activity/", activity.activity, name="activity"),
    path("verification/", verification.verification, name="verification"),
    path("verification/submit/", verification.submit, name="verification_submit"),
    path("verification/documents/", verification.upload, name="verification_upload"),
    path(
        "verification/documents/<uuid:document_id>/",
        verification.document,
        name="verification_document",
    ),
    path("verification/<slug:code>/", verification.step, name="verification_step"),
    path("notifications/", frame, name="notifications"),
    path("settings/", settings.settings_page, name="settings"),
]
