"""Files of lists: their checksum, how far they were read, and XML without its dangers."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, BinaryIO

from lxml import etree

from apps.compliance.providers import BrokenList

# Nothing is resolved, loaded or fetched, and neither depth nor length is the file's choice.
SAFE: dict[str, Any] = {
    "resolve_entities": False,
    "load_dtd": False,
    "dtd_validation": False,
    "no_network": True,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}


class ListFiles:
    """The files that a list comes in, read one after another."""

    def __init__(self, *paths: Path) -> None:
        self.paths = paths
        self.passes = 1
        self._read = 0

    def checksum(self) -> str:
        """Return SHA-256 over the digests of the files; of a single one, its own."""
        digests = []
        for path in self.paths:
            try:
                with path.open("rb") as file:
                    digests.append(file_digest(file, "sha256").hexdigest())
            except OSError as error:
                raise BrokenList(f"{path.name} cannot be read.", file=path.name) from error
        return digests[0] if len(digests) == 1 else sha256("".join(digests).encode()).hexdigest()

    def issued(self) -> date | None:
        return None

    @property
    def share_read(self) -> float:
        return min(self._read / self._size, 1.0) if self._size else 0.0

    @cached_property
    def _size(self) -> int:
        return self.passes * sum(path.stat().st_size for path in self.paths if path.exists())

    @contextmanager
    def opened(self, path: Path) -> Iterator["_Counted"]:
        """Open a file whose bytes are counted; raises BrokenList for what cannot be read."""
        try:
            with path.open("rb") as raw:
                yield _Counted(raw, self)
        except OSError as error:
            raise BrokenList(f"{path.name} cannot be read.", file=path.name) from error

    @contextmanager
    def text(self, path: Path, encoding: str = "utf-8-sig") -> Iterator[io.TextIOWrapper]:
        """Open a file as text; raises BrokenList for bytes that are none."""
        with self.opened(path) as raw:
            try:
                yield io.TextIOWrapper(raw, encoding=encoding, errors="strict", newline="")
            except UnicodeDecodeError as error:
                raise BrokenList(f"{path.name} is not in UTF-8.", file=path.name) from error

    def elements(self, path: Path, *names: str) -> Iterator[Any]:
        """Yield the elements of these local names, each complete; it is forgotten afterwards.

        Raises BrokenList for what is no XML, is cut short, or declares a document type.
        """
        xml_root(path)
        wanted = [f"{{*}}{name}" for name in names]
        with self.opened(path) as raw:
            try:
                for _, element in etree.iterparse(raw, events=("end",), tag=wanted, **SAFE):
                    yield element
                    element.clear()
                    while element.getprevious() is not None:
                        del element.getparent()[0]
            except etree.XMLSyntaxError as error:
                raise BrokenList(
                    f"{path.name} is no XML, or is cut short.", file=path.name
                ) from error


class _Counted(io.BufferedIOBase):
    def __init__(self, raw: BinaryIO, owner: ListFiles) -> None:
        self._raw, self._owner = raw, owner
        self.name = raw.name

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        data = self._raw.read(-1 if size is None else size)
        self._owner._read += len(data)
        return data

    read1 = read


def xml_root(path: Path) -> Any:
    """Return the document's first element, empty; raises BrokenList as `elements` does.

    No list declares a document type, and every attack by entities needs one.
    """
    try:
        with path.open("rb") as raw:
            _, root = next(iter(etree.iterparse(raw, events=("start",), **SAFE)))
    except (OSError, etree.XMLSyntaxError, StopIteration) as error:
        raise BrokenList(f"{path.name} is no XML.", file=path.name) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise BrokenList(f"{path.name} declares a document type.", file=path.name)
    return root


def local_name(element: Any) -> str:
    return str(etree.QName(element).localname)


def value_of(element: Any, *path: str) -> str:
    """Return the text at a path of local names below the element, "" where there is none."""
    found = element.find("/".join(f"{{*}}{name}" for name in path))
    return " ".join((found.text or "").split()) if found is not None else ""


def values_of(element: Any, *path: str) -> list[str]:
    """Return the texts at a path of local names, without empty ones."""
    found = element.iterfind("/".join(f"{{*}}{name}" for name in path))
    return [text for one in found if (text := " ".join((one.text or "").split()))]
