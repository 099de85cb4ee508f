"""Which list a file holds, told by its content and never by its name."""

import codecs
from pathlib import Path

from apps.compliance.providers import BrokenList, WatchlistProvider
from apps.compliance.providers.eu import EuXml
from apps.compliance.providers.files import local_name, xml_root
from apps.compliance.providers.ofac_csv import FILES, OfacCsv
from apps.compliance.providers.ofac_xml import OfacXml
from apps.compliance.providers.opensanctions import FtmJson
from apps.compliance.providers.own import COLUMNS, OwnCsv
from apps.compliance.providers.uk import OFSI_COLUMNS, OfsiCsv, UkXml
from apps.compliance.providers.un import UnXml

ROOTS: dict[str, type[OfacXml] | type[UnXml] | type[EuXml] | type[UkXml]] = {
    "Sanctions": OfacXml,
    "CONSOLIDATED_LIST": UnXml,
    "export": EuXml,
    "Designations": UkXml,
}
HEAD = 4096


def provider_of(path: Path, list_code: str = "") -> WatchlistProvider:
    """Return the reader of the file, or of the folder or any file of OFAC's CSV form.

    A folder with both of OFAC's lists gives the one that `list_code` names, else the SDN list.
    Raises BrokenList for anything else.
    """
    if path.is_dir():
        return _ofac_csv(path, list_code)
    head = _head(path)
    if head.startswith("<"):
        reader = ROOTS.get(local_name(xml_root(path)))
        if reader is not None:
            return reader(path)
    elif head.startswith("{"):
        return FtmJson(path)
    else:
        return _csv(path, head.splitlines())
    raise BrokenList(f"{path.name} is no list that is known here.", file=path.name)


def _csv(path: Path, lines: list[str]) -> WatchlistProvider:
    columns = [{cell.strip(' "') for cell in line.split(",")} for line in lines[:2]]
    if columns and columns[0] >= {*COLUMNS[:3]}:
        return OwnCsv(path)
    if len(columns) > 1 and columns[1] >= OFSI_COLUMNS:
        return OfsiCsv(path)
    for code, names in FILES.items():
        if path.name in names and lines and lines[0].partition(",")[0].isdecimal():
            return OfacCsv(path.parent, code)
    raise BrokenList(f"{path.name} is no list that is known here.", file=path.name)


def _ofac_csv(folder: Path, list_code: str) -> WatchlistProvider:
    present = [code for code, names in FILES.items() if (folder / names[0]).exists()]
    if not present:
        raise BrokenList(f"{folder.name} holds no list that is known here.", file=folder.name)
    return OfacCsv(folder, list_code if list_code in present else present[0])


def _head(path: Path) -> str:
    """Return the beginning as text, without a byte order mark."""
    try:
        with path.open("rb") as file:
            data = file.read(HEAD).removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise BrokenList(f"{path.name} cannot be read.", file=path.name) from error
    return data.decode(errors="replace").lstrip()
