from decimal import Decimal

import pytest
from rest_framework.exceptions import ValidationError

from apps.infrastructure.api.fields import DecimalField, SymbolField, TextField
from apps.infrastructure.api.parsers import MalformedJSON, parse_json


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":"\\u0000"}',
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b'"\xff"',
        b"[" * 50 + b"]" * 50,
        b"[" * 100_000,
        b"9" * 5000,
        b"0." + b"9" * 5000,
        b'"' + b"a" * 300_000 + b'"',
    ],
)
def test_parse_json_of_an_ambiguous_or_hostile_body_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedJSON):
        parse_json(body)


def test_parse_json_keeps_a_fraction_as_it_was_written() -> None:
    assert parse_json(b'{"a":0.10,"b":1}') == {"a": "0.10", "b": 1}


@pytest.mark.parametrize("value", ["1.50", "0", 7, parse_json(b"1.5")])
def test_decimal_field_of_a_plain_number_is_exact(value: object) -> None:
    assert DecimalField().run_validation(value) == Decimal(str(value))


@pytest.mark.parametrize(
    "value",
    [
        "1_000",
        "\uff11",
        "1e3",
        "NaN",
        "+1",
        " 1",
        "1 ",
        "1,5",
        "",
        1.5,
        True,
        None,
        [],
        {},
        "9" * 5000,
    ],
)
def test_decimal_field_of_another_spelling_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        DecimalField().run_validation(value)


@pytest.mark.parametrize(
    ("value", "text"), [("1.50000000", "1.5"), ("100", "100"), ("0E-8", "0"), ("1E+3", "1000")]
)
def test_decimal_field_is_written_as_a_plain_string(value: str, text: str) -> None:
    assert DecimalField().to_representation(Decimal(value)) == text


@pytest.mark.parametrize("value", ["aapl", "", "A" * 21, "AAPL\n", 5, None, ["AAPL"]])
def test_symbol_field_of_anything_but_a_ticker_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        SymbolField().run_validation(value)


@pytest.mark.parametrize("value", ["a\x00", "\ud800", 5, True, None, "x" * 11])
def test_text_field_of_what_is_no_storable_text_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        TextField(max_length=10).run_validation(value)
