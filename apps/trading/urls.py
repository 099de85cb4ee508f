"""Addresses of trading."""

from django.urls import URLPattern, URLResolver, path

from apps.trading.api.brackets import BracketApi, OcoApi
from apps.trading.api.cash import DepositApi, WithdrawalApi
from apps.trading.api.charges import ChargeListApi
from apps.trading.api.conversions import ConversionApi, ConversionPreviewApi
from apps.trading.api.corporate_actions import CorporateActionListApi
from apps.trading.api.exports import ExportFileApi
from apps.trading.api.gains import (
    GainFileApi,
    GainListApi,
    LotMethodApi,
    TaxReportApi,
    TaxReportFileApi,
)
from apps.trading.api.imports import ImportListApi, ImportPreviewApi
from apps.trading.api.orders import (
    OrderCancelApi,
    OrderDetailApi,
    OrderListApi,
    OrderPreviewApi,
)
from apps.trading.api.plans import (
    PlanDetailApi,
    PlanEndApi,
    PlanListApi,
    PlanPauseApi,
    PlanResumeApi,
    PlanRunListApi,
)
from apps.trading.api.portfolios import (
    LedgerEntryListApi,
    PortfolioCloseApi,
    PortfolioDetailApi,
    PortfolioListApi,
)
from apps.trading.api.positions import LotListApi, PositionListApi, TradeListApi
from apps.trading.api.rebalancing import (
    RebalanceConfirmApi,
    RebalanceDetailApi,
    RebalanceListApi,
    TargetApi,
)
from apps.trading.api.replacements import OrderCancelAllApi, OrderReplacementApi
from apps.trading.api.statements import StatementApi, StatementFileApi
from apps.trading.api.transfers import PortfolioTransferApi

ONE = "portfolios/<uuid:portfolio_id>"
urlpatterns: list[URLPattern | URLResolver] = [
    path("portfolios", PortfolioListApi.as_view(), name="portfolios"),
    path(ONE, PortfolioDetailApi.as_view(), name="portfolio"),
    path(f"{ONE}/close", PortfolioCloseApi.as_view(), name="portfolio-close"),
    path(f"{ONE}/ledger-entries", LedgerEntryListApi.as_view(), name="ledger-entries"),
    path(f"{ONE}/deposits", DepositApi.as_view(), name="deposits"),
    path(f"{ONE}/withdrawals", WithdrawalApi.as_view(), name="withdrawals"),
    path(f"{ONE}/conversions", ConversionApi.as_view(), name="conversions"),
    path(f"{ONE}/conversions/preview", ConversionPreviewApi.as_view(), name="conversion-preview"),
    path(f"{ONE}/statements", StatementApi.as_view(), name="statements"),
    path(f"{ONE}/statements/<str:form>", StatementFileApi.as_view(), name="statement-file"),
    path(f"{ONE}/charges", ChargeListApi.as_view(), name="charges"),
    path(f"{ONE}/positions", PositionListApi.as_view(), name="positions"),
    path(f"{ONE}/lots", LotListApi.as_view(), name="lots"),
    path(f"{ONE}/transfers", PortfolioTransferApi.as_view(), name="portfolio-transfers"),
    path(f"{ONE}/imports", ImportListApi.as_view(), name="imports"),
    path(f"{ONE}/imports/preview", ImportPreviewApi.as_view(), name="import-preview"),
    path(f"{ONE}/lot-method", LotMethodApi.as_view(), name="lot-method"),
    path(f"{ONE}/gains", GainListApi.as_view(), name="gains"),
    path(f"{ONE}/exports/<str:what>", ExportFileApi.as_view(), name="export-file"),
    path(f"{ONE}/gains.csv", GainFileApi.as_view(), name="gains-file"),
    path("tax-reports/<int:year>", TaxReportApi.as_view(), name="tax-report"),
    path("tax-reports/<int:year>.csv", TaxReportFileApi.as_view(), name="tax-report-file"),
    path("corporate-actions", CorporateActionListApi.as_view(), name="corporate-actions"),
    path(f"{ONE}/target", TargetApi.as_view(), name="portfolio-target"),
    path(f"{ONE}/rebalances", RebalanceListApi.as_view(), name="rebalances"),
    path("rebalances/<uuid:batch_id>", RebalanceDetailApi.as_view(), name="rebalance"),
    path(
        "rebalances/<uuid:batch_id>/confirm",
        RebalanceConfirmApi.as_view(),
        name="rebalance-confirm",
    ),
    path(f"{ONE}/plans", PlanListApi.as_view(), name="plans"),
    path("plans/<uuid:plan_id>", PlanDetailApi.as_view(), name="plan"),
    path("plans/<uuid:plan_id>/runs", PlanRunListApi.as_view(), name="plan-runs"),
    path("plans/<uuid:plan_id>/pause", PlanPauseApi.as_view(), name="plan-pause"),
    path("plans/<uuid:plan_id>/resume", PlanResumeApi.as_view(), name="plan-resume"),
    path("plans/<uuid:plan_id>/end", PlanEndApi.as_view(), name="plan-end"),
    path("orders", OrderListApi.as_view(), name="orders"),
    path("orders/preview", OrderPreviewApi.as_view(), name="order-preview"),
    path("orders/brackets", BracketApi.as_view(), name="order-brackets"),
    path("orders/oco", OcoApi.as_view(), name="order-oco"),
    path("orders/cancel-all", OrderCancelAllApi.as_view(), name="order-cancel-all"),
    path("orders/<uuid:order_id>", OrderDetailApi.as_view(), name="order"),
    path("orders/<uuid:order_id>/cancel", OrderCancelApi.as_view(), name="order-cancel"),
    path(
        "orders/<uuid:order_id>/replacements",
        OrderReplacementApi.as_view(),
        name="order-replacements",
    ),
    path("trades", TradeListApi.as_view(), name="trades"),
]
