"""Daily history that ships inside Python packages: real prices, read from files, never a network.

skfolio: adjusted daily closes of the S&P 500 and 20 US stocks, 1990 to 2022, nothing else.
bokeh_sampledata: daily open, high, low, close as traded, volume, and adjusted close of AAPL, FB,
GOOG, IBM and MSFT, 2000 to 2013.
"""

import csv
import gzip
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

from apps.core.errors import Unavailable
from apps.market.domain.bars import DailyBar
from apps.market.domain.catalogue import BOKEH, SKFOLIO

STEP = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class BarFile:
    """One file of daily bars of one source; `read` yields its bars in the file's order."""

    source: str
    path: Path
    read: Callable[[Path], Iterator[DailyBar]]

    def sha256(self) -> str:
        """Return the digest of the file as it lies on disk (hex): the data's version."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def bars(self) -> Iterator[DailyBar]:
        return self.read(self.path)


def _package_folder(name: str) -> Path:
    # Found, not imported: skfolio's import costs seconds and a gigabyte of dependencies.
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise Unavailable(f"The package {name} is not installed.", package=name)
    return Path(spec.origin).parent


def _rows(path: Path) -> Iterator[list[str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.reader(file)


def _exact(text: str) -> Decimal:
    return Decimal(text).quantize(STEP)


def read_closes(path: Path) -> Iterator[DailyBar]:
    """Yield from a table with one date a row and one symbol a column; an empty cell is no bar."""
    rows = _rows(path)
    symbols = next(rows)[1:]
    for day, *closes in rows:
        for symbol, close in zip(symbols, closes, strict=True):
            if close:
                yield DailyBar(symbol, date.fromisoformat(day), adjusted_close=_exact(close))


def read_ohlcv(path: Path) -> Iterator[DailyBar]:
    """Yield from a table: ticker, date, open, high, low, close, volume, adjusted close."""
    rows = _rows(path)
    next(rows)
    for symbol, day, opening, high, low, close, volume, adjusted in rows:
        yield DailyBar(
            symbol,
            date.fromisoformat(day),
            adjusted_close=_exact(adjusted),
            open=_exact(opening),
            high=_exact(high),
            low=_exact(low),
            close=_exact(close),
            volume=Decimal(volume),
        )


def bar_files() -> list[BarFile]:
    """Return the files of daily history that are installed; raises Unavailable without them."""
    skfolio = _package_folder("skfolio") / "datasets" / "data"
    bokeh = _package_folder("bokeh_sampledata") / "_data"
    return [
        BarFile(SKFOLIO, skfolio / "sp500_index.csv.gz", read_closes),
        BarFile(SKFOLIO, skfolio / "sp500_dataset.csv.gz", read_closes),
        BarFile(BOKEH, bokeh / "stocks.csv.gz", read_ohlcv),
    ]
