"""The instruments that the packaged history covers, as they were listed while it was written."""

from dataclasses import dataclass

SKFOLIO = "skfolio"
BOKEH = "bokeh_sampledata"


@dataclass(frozen=True, slots=True)
class Listing:
    """`sector` is the GICS sector; `bar_source` the preferred source of its daily bars."""

    symbol: str
    name: str
    exchange: str
    sector: str
    bar_source: str = SKFOLIO
    asset_class: str = "EQUITY"


LISTINGS = (
    Listing("AAPL", "Apple Inc.", "XNAS", "Information Technology"),
    Listing("AMD", "Advanced Micro Devices, Inc.", "XNAS", "Information Technology"),
    Listing("BAC", "Bank of America Corporation", "XNYS", "Financials"),
    Listing("BBY", "Best Buy Co., Inc.", "XNYS", "Consumer Discretionary"),
    Listing("CVX", "Chevron Corporation", "XNYS", "Energy"),
    Listing("FB", "Facebook, Inc.", "XNAS", "Communication Services", BOKEH),
    Listing("GE", "General Electric Company", "XNYS", "Industrials"),
    Listing("GOOG", "Google Inc.", "XNAS", "Communication Services", BOKEH),
    Listing("HD", "The Home Depot, Inc.", "XNYS", "Consumer Discretionary"),
    Listing("IBM", "International Business Machines", "XNYS", "Information Technology", BOKEH),
    Listing("JNJ", "Johnson & Johnson", "XNYS", "Health Care"),
    Listing("JPM", "JPMorgan Chase & Co.", "XNYS", "Financials"),
    Listing("KO", "The Coca-Cola Company", "XNYS", "Consumer Staples"),
    Listing("LLY", "Eli Lilly and Company", "XNYS", "Health Care"),
    Listing("MRK", "Merck & Co., Inc.", "XNYS", "Health Care"),
    Listing("MSFT", "Microsoft Corporation", "XNAS", "Information Technology"),
    Listing("PEP", "PepsiCo, Inc.", "XNAS", "Consumer Staples"),
    Listing("PFE", "Pfizer Inc.", "XNYS", "Health Care"),
    Listing("PG", "The Procter & Gamble Company", "XNYS", "Consumer Staples"),
    Listing("RRC", "Range Resources Corporation", "XNYS", "Energy"),
    Listing("SP500", "S&P 500", "XNYS", "", SKFOLIO, "INDEX"),
    Listing("UNH", "UnitedHealth Group Incorporated", "XNYS", "Health Care"),
    Listing("WMT", "Walmart Inc.", "XNYS", "Consumer Staples"),
    Listing("XOM", "Exxon Mobil Corporation", "XNYS", "Energy"),
)  # fmt: skip
