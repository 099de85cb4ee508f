"""Addresses of trading."""

from django.urls import URLPattern, URLResolver, path

from apps.trading.api.cash import DepositApi, WithdrawalApi
from apps.trading.api.portfolios import LedgerEntryListApi, PortfolioDetailApi, PortfolioListApi

ONE = "portfolios/<uuid:portfolio_id>"
urlpatterns: list[URLPattern | URLResolver] = [
    path("portfolios", PortfolioListApi.as_view(), name="portfolios"),
    path(ONE, PortfolioDetailApi.as_view(), name="portfolio"),
    path(f"{ONE}/ledger-entries", LedgerEntryListApi.as_view(), name="ledger-entries"),
    path(f"{ONE}/deposits", DepositApi.as_view(), name="deposits"),
    path(f"{ONE}/withdrawals", WithdrawalApi.as_view(), name="withdrawals"),
]
