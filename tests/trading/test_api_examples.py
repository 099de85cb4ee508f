"""Every example in the API's description is what its schema says, and trading has them."""

from collections.abc import Iterator
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator, FormatChecker

# What a program that trades calls first.
SHOWN = {
    "orders_create": {"201", "409", "422"},
    "orders_list": {"200"},
    "orders_preview_create": {"200"},
    "orders_retrieve": {"200"},
    "orders_cancel_create": {"202", "409"},
    "orders_replacements_create": {"202", "409", "412", "422"},
    "orders_brackets_create": {"422"},
    "orders_oco_create": {"422"},
    "trades_list": {"200"},
}
REQUESTS = {
    *("orders_create", "orders_preview_create", "orders_replacements_create"),
    *("orders_brackets_create", "orders_oco_create", "orders_cancel_all_create"),
}


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return schema


def contents(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield `request` or the status with each described body."""
    for body in operation.get("requestBody", {}).get("content", {}).values():
        yield "request", body
    for status, response in operation["responses"].items():
        for body in response.get("content", {}).values():
            yield status, body


def operations(description: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in description["paths"].values():
        yield from path.values()


def test_every_example_fits_its_schema(description: dict[str, Any]) -> None:
    faults, seen = [], 0
    for operation in operations(description):
        for place, body in contents(operation):
            schema = {**body.get("schema", {}), "components": description["components"]}
            validator = Draft202012Validator(schema, format_checker=FormatChecker())
            for name, example in body.get("examples", {}).items():
                seen += 1
                faults += [
                    f"{operation['operationId']} {place} {name}: {error.message}"
                    for error in validator.iter_errors(example["value"])
                ]

    assert not faults
    assert seen >= 20


def test_operations_of_trading_show_requests_answers_and_refusals(
    description: dict[str, Any],
) -> None:
    shown: dict[str, set[str]] = {}
    for operation in operations(description):
        for place, body in contents(operation):
            if body.get("examples"):
                shown.setdefault(operation["operationId"], set()).add(place)

    assert {name for name in REQUESTS if "request" not in shown.get(name, set())} == set()
    missing = {name: places - shown.get(name, set()) for name, places in SHOWN.items()}
    assert {name: places for name, places in missing.items() if places} == {}
