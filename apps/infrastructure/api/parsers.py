"""JSON in one reading only: what another parser could read differently is refused."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ErrorDetail, ParseError, ValidationError
from rest_framework.parsers import BaseParser, DataAndFiles, MultiPartParser

MAX_BODY_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_NUMBER_LENGTH = 40
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class MalformedJSON(ParseError):
    default_code = "malformed_json"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise MalformedJSON("A key stands twice in one object.")
    return result


def _no_constant(name: str) -> Any:
    raise MalformedJSON(f"{name} is not JSON.")


def _short_number(text: str) -> str:
    if len(text) > MAX_NUMBER_LENGTH:
        raise MalformedJSON("A number has too many digits.")
    return text


class JSONNumber(str):
    """A JSON number with a fraction or exponent, kept as it was written: never a binary float."""

    __slots__ = ()


def _check(value: Any, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise MalformedJSON("The body is nested too deeply.")
    if isinstance(value, str):
        if UNSTORABLE.search(value):
            raise MalformedJSON("A text holds a NUL or half a surrogate pair.")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth + 1)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)


def parse_json(body: bytes) -> Any:
    """Return the value of an RFC 8259 text; raises MalformedJSON.

    Refused beyond the RFC: duplicate keys, NaN and Infinity, NUL and lone surrogates, more than
    20 levels, numbers of more than 40 characters.  Fractions come back as JSONNumber.
    """
    if len(body) > MAX_BODY_BYTES:
        raise MalformedJSON("The body is too large.")
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=lambda text: JSONNumber(_short_number(text)),
            parse_int=lambda text: int(_short_number(text)),
        )
    except (ValueError, RecursionError) as error:
        raise MalformedJSON("The body is not JSON.") from error
    _check(value)
    return value


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return parse_json(stream.read(MAX_BODY_BYTES + 1))


class StrictMultiPartParser(MultiPartParser):
    """Forms with files; a field that stands twice is refused, whichever value was meant."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> "DataAndFiles[Any, Any]":
        form = super().parse(stream, media_type, parser_context)
        counts = Counter(
            name
            for part in (form.data, form.files)
            for name, values in part.lists()
            for _ in values
        )
        if twice := [name for name, count in counts.items() if count > 1]:
            detail = ErrorDetail("The field stands twice.", "duplicate")
            raise ValidationError({name[:100]: [detail] for name in twice})
        return form
