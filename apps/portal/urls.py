"""Addresses of the clients' pages."""

from django.urls import path, register_converter

from apps.core.domain.instruments import SYMBOL_PATTERN
from apps.portal.views import (
    activity,
    api_keys,
    cash,
    clients,
    conversions,
    dashboard,
    exports,
    imports,
    notifications,
    orders,
    ownership,
    plans,
    portfolios,
    positions,
    rebalancing,
    sessions,
    settings,
    statements,
    trading,
    transfers,
    verification,
)


class SymbolConverter:
    """A part of an address that can be a symbol; any other address is no page."""

    regex = SYMBOL_PATTERN.pattern

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(SymbolConverter, "symbol")

app_name = "portal"
urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("portfolios/", portfolios.portfolios, name="portfolios"),
    path("portfolios/select/", portfolios.select, name="portfolio_select"),
    path("portfolios/<uuid:portfolio_id>/", portfolios.portfolio, name="portfolio"),
    path("portfolios/<uuid:portfolio_id>/close/", portfolios.close, name="portfolio_close"),
    path("portfolios/target/", rebalancing.target, name="target"),
    path("portfolios/rebalance/", rebalancing.propose, name="rebalance_propose"),
    path("portfolios/rebalance/<uuid:batch_id>/", rebalancing.batch, name="rebalance"),
    path("portfolios/plans/", plans.plans, name="plans"),
    path("portfolios/plans/<uuid:plan_id>/", plans.plan, name="plan"),
    path("portfolios/plans/<uuid:plan_id>/change/", plans.plan_terms, name="plan_terms"),
    path("portfolios/export/<slug:what>/", exports.export, name="export"),
    path("portfolios/import/", imports.imports, name="imports"),
    path("money/transfer/", transfers.transfer, name="transfer"),
    path("money/deposit/", cash.deposit, name="deposit"),
    path("money/withdraw/", cash.withdraw, name="withdraw"),
    path("money/convert/", conversions.convert, name="convert"),
    path("statements/", statements.statements, name="statements"),
    path("statements/<str:form>/", statements.statement_file, name="statement_file"),
    path("trade/", trading.trade, name="trade"),
    path("trade/<symbol:symbol>/", trading.ticket, name="trade_symbol"),
    path("trade/<symbol:symbol>/preview/", trading.preview, name="trade_preview"),
    path("trade/<symbol:symbol>/confirm/", trading.confirm, name="trade_confirm"),
    path("positions/<symbol:symbol>/", positions.position, name="position"),
    path("taxes/", positions.taxes, name="taxes"),
    path("taxes/<int:year>/", positions.tax_year, name="tax_year"),
    path("taxes/<int:year>/file/", positions.tax_file, name="tax_file"),
    path("orders/", orders.orders, name="orders"),
    path("orders/cancel-all/", orders.cancel_all, name="orders_cancel_all"),
    path("orders/<uuid:order_id>/", orders.order, name="order"),
    path("orders/<uuid:order_id>/cancel/", orders.cancel, name="order_cancel"),
    path("orders/<uuid:order_id>/change/", orders.replace, name="order_replace"),
    path("clients/", clients.clients, name="clients"),
    path("clients/<uuid:client_id>/", clients.client, name="client"),
    path(
        "clients/<uuid:client_id>/portfolios/<uuid:portfolio_id>/",
        clients.client_portfolio,
        name="client_portfolio",
    ),
    path("activity/", activity.activity, name="activity"),
    path("verification/", verification.verification, name="verification"),
    path("verification/tax-certificate/", verification.certificate, name="tax_certificate"),
    path("verification/owners/", ownership.owners, name="owners"),
    path("verification/owners/new/<str:kind>/", ownership.party_new, name="party_new"),
    path("verification/owners/<uuid:party_id>/", ownership.party, name="party"),
    path("verification/holdings/new/", ownership.holding_new, name="holding_new"),
    path("verification/holdings/<uuid:holding_id>/", ownership.holding, name="holding"),
    path("verification/kind/", verification.kind, name="verification_kind"),
    path("verification/submit/", verification.submit, name="verification_submit"),
    path("verification/documents/", verification.upload, name="verification_upload"),
    path(
        "verification/documents/<uuid:document_id>/",
        verification.document,
        name="verification_document",
    ),
    path(
        "verification/information/<uuid:item_id>/",
        verification.information,
        name="verification_information",
    ),
    path("verification/<slug:code>/", verification.step, name="verification_step"),
    path("notifications/", notifications.notifications, name="notifications"),
    path(
        "notifications/<uuid:notification_id>/read/",
        notifications.read,
        name="notification_read",
    ),
    path("settings/", settings.settings_page, name="settings"),
    path("settings/api-keys/", api_keys.api_keys, name="api_keys"),
    path("settings/api-keys/<uuid:key_id>/revoke/", api_keys.revoke, name="api_key_revoke"),
    path("settings/sessions/", sessions.sessions, name="sessions"),
    path("settings/sessions/end-others/", sessions.end_others, name="sessions_end_others"),
    path("settings/sessions/<uuid:session_id>/end/", sessions.end, name="session_end"),
]
