"""docs/limits.md says what the settings say."""

from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings

from apps.compliance.domain import images, pdfs, uploads
from apps.infrastructure import sandbox
from apps.infrastructure.api import parsers

LIMITS = Path(__file__).resolve().parents[2] / "docs" / "limits.md"
ROWS = dict(
    [cell.strip() for cell in line.split("|")[1:3]]
    for line in LIMITS.read_text().splitlines()
    if line.startswith("| ")
)
MEGABYTE = 1024 * 1024


@pytest.mark.parametrize(
    ("what", "limit"),
    [
        ("Deposit or withdrawal, amount", " to ".join(settings.CASH_LIMITS)),
        ("Deposits and withdrawals a day", str(settings.CASH_TRANSFERS_A_DAY)),
        ("Portfolios", str(settings.MAX_PORTFOLIOS_PER_CLIENT)),
        (
            "Order, notional",
            "{order_minimum} to {firm[ORDER_NOTIONAL]}".format(**settings.ORDER_LIMITS),
        ),
        ("Orders a day", settings.ORDER_LIMITS["firm"]["ORDERS_A_DAY"]),
        ("Orders a day, notional", settings.ORDER_LIMITS["firm"]["NOTIONAL_A_DAY"]),
        (
            "Limit price through the market",
            f"{Decimal(settings.ORDER_LIMITS['firm']['PRICE_COLLAR']) * 100:.0f} %",
        ),
        (
            "Uploaded file",
            (
                f"{uploads.MAX_BYTES // MEGABYTE} MB, {images.MAX_PIXELS // 1_000_000} megapixels, "
                f"{pdfs.MAX_PAGES} pages"
            ),
        ),
        (
            "Uploaded files kept",
            (
                f"{uploads.MAX_FILES} files, {uploads.MAX_TOTAL_BYTES // MEGABYTE} MB, "
                "quarantine included"
            ),
        ),
        (
            "Files read at once",
            (
                f"{sandbox.AT_ONCE}, each {uploads.BOUNDS.cpu_seconds} s and "
                f"{uploads.BOUNDS.memory_bytes >> 30} GB"
            ),
        ),
        ("API keys", str(settings.API_KEYS["live_most"])),
        ("Mails to a new e-mail address", f"{settings.EMAIL_CHANGE_LIMIT[0]} an hour"),
        ("Requests a minute", settings.RATE_LIMITS["address"].removesuffix("/m")),
        ("API requests a minute", settings.RATE_LIMITS["api"].removesuffix("/m")),
        ("Order requests a minute", settings.RATE_LIMITS["orders"].removesuffix("/m")),
        ("JSON body", f"{parsers.MAX_BODY_BYTES // 1024} KB, {parsers.MAX_DEPTH} levels"),
    ],
)
def test_asvs_v2_3_2_documented_limit_is_the_enforced_one(what: str, limit: str) -> None:
    assert ROWS[what] == limit
