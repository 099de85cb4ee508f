"""Serializer fields that accept one spelling of a value."""

import re
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.domain.instruments import SYMBOL_PATTERN
from apps.infrastructure.api.parsers import UNSTORABLE, JSONNumber

PLAIN_DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,18})?", re.ASCII)


class DecimalField(serializers.DecimalField):
    """An exact number: a string on the way out, a plain ASCII decimal on the way in.

    Refused: binary floats, exponents, NaN, signs but a minus, separators, other scripts' digits.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 26)
        kwargs.setdefault("decimal_places", 8)
        kwargs["coerce_to_string"] = True
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, str | int | Decimal):
            self.fail("invalid")
        text = str(data)
        if not PLAIN_DECIMAL.fullmatch(text):
            self.fail("invalid")
        return super().to_internal_value(text)

    def to_representation(self, value: Any) -> str:
        """Write the number without trailing zeros and without an exponent."""
        text = format(Decimal(value), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text


# How a symbol in an address is described.
SYMBOL_SCHEMA = {"type": "string", "pattern": f"^{SYMBOL_PATTERN.pattern}$"}


@extend_schema_field(SYMBOL_SCHEMA)
class SymbolField(serializers.RegexField):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 20)
        kwargs.setdefault("trim_whitespace", False)
        super().__init__(re.compile(rf"\A{SYMBOL_PATTERN.pattern}\Z", re.ASCII), **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class TextField(serializers.CharField):
    """Text that a database can hold, and only text: a number is not quietly turned into one."""

    def to_internal_value(self, data: Any) -> str:
        is_text = isinstance(data, str) and not isinstance(data, JSONNumber)
        if not is_text or UNSTORABLE.search(data):
            self.fail("invalid")
        return super().to_internal_value(data)
