"""Input that is read in one way only, by every operation of the API."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.urls import URLPattern, URLResolver, get_resolver

from apps.infrastructure.api.views import ApiView
from tests.users.factories import api_client, make_user

pytestmark = pytest.mark.django_db
SCHEMA = yaml.safe_load((Path(__file__).parents[3] / "docs" / "openapi.yaml").read_text())
LIBRARY_VIEWS = {"DescriptionView", "SpectacularSwaggerSplitView"}


def views_of(patterns: list[URLPattern | URLResolver], prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for pattern in patterns:
        path = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            found += views_of(pattern.url_patterns, path)
        else:
            found.append((path, getattr(pattern.callback, "view_class", None)))
    return found


API = [item for item in views_of(get_resolver().url_patterns) if item[0].startswith("api/")]


def test_asvs_v15_3_7_every_operation_of_the_api_checks_its_parameters() -> None:
    assert len(API) > 30
    loose = [
        path
        for path, view in API
        if not (view and (issubclass(view, ApiView) or view.__name__ in LIBRARY_VIEWS))
    ]
    assert loose == []


@pytest.mark.parametrize(
    "path",
    ["/orders?status=OPEN&status=FILLED", "/quotes?symbols=AAPL&symbols=MSFT", "/account?a=1&a=1"],
)
def test_asvs_v15_3_7_query_parameter_that_stands_twice_is_refused(
    path: str, security_events: list[dict[str, Any]]
) -> None:
    answer = api_client(make_user()).get(f"/api/v1{path}")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert answer.json()["errors"][0]["code"] in {"duplicate", "unknown_field"}
    assert security_events[-1]["event"] == "input.refused"


def test_asvs_v15_3_7_form_field_that_stands_twice_is_refused(
    security_events: list[dict[str, Any]],
) -> None:
    client = api_client(make_user())
    form = {"kind": ["PASSPORT", "UTILITY_BILL"]}

    answer = client.post("/api/v1/kyc/documents", form, format="multipart")

    assert answer.status_code == 400
    assert {"field": "kind", "code": "duplicate"}.items() <= answer.json()["errors"][0].items()
    assert security_events[-1]["event"] == "input.refused"


BODIES = [
    '{"email": "a@b.example", "email": "c@d.example", "password": "x"}',
    '{"email": "a@b.example", "\\u0065mail": "c@d.example", "password": "x"}',
    '{"email": "a@b.example", "password": {"a": 1, "a": 2}}',
    '{"email": "a@b.example", "password": "x"} {}',
    '{"email": "a@b.example", "password": "x",}',
    "{'email': 'a@b.example'}",
    '{"email": NaN, "password": "x"}',
    '{"email": "a@b.example", "password": "\\u0000"}',
    '{"email": "a@b.example", "password": "\\ud800"}',
    '\ufeff{"email": "a@b.example", "password": "x"}',
    "[" * 100_000,
]


@pytest.mark.parametrize("body", BODIES)
def test_asvs_v1_5_3_json_that_two_parsers_may_read_differently_is_refused(body: str) -> None:
    client = api_client(make_user())

    answer = client.generic("POST", "/api/v1/auth/token", body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


NUMBERS = [
    *("9" * 5000, f"-{'9' * 5000}", f"0.{'1' * 5000}", f"1e{'9' * 5000}", "1e400", "1e-400"),
    *("Infinity", "-Infinity", "NaN", str(10**18), str(2**63), str(2**128), "-1"),
    *('"1e3"', '"9223372036854775808"', '"0x10"', '"1_000"', '"\u0661"', '"Infinity"'),
    *('"NaN"', f'"{"9" * 5000}"', "true", "[]", "{}"),
]


@pytest.mark.parametrize("number", NUMBERS)
def test_asvs_v1_4_2_number_out_of_its_range_is_bad_input_and_never_an_error(number: str) -> None:
    client = api_client(make_user())
    body = (
        '{"portfolio_id": "00000000-0000-4000-8000-000000000000", "symbol": "AAPL",'
        f' "side": "BUY", "type": "MARKET", "quantity": {number}}}'
    )

    answer = client.generic(
        "POST",
        "/api/v1/orders",
        body,
        content_type="application/json",
        headers={"Idempotency-Key": "number"},
    )

    assert answer.status_code == 400
    assert answer.json()["code"] in {"invalid", "malformed_json"}


@pytest.mark.parametrize("size", ["0", "-1", "201", "9" * 5000, "1e2", "\u0661", "NaN", "2.0"])
def test_asvs_v1_4_2_page_size_out_of_its_range_is_bad_input(size: str) -> None:
    answer = api_client(make_user()).get("/api/v1/orders", {"page_size": size})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def numbers_in(node: Any, path: str) -> list[tuple[str, dict[str, Any]]]:
    """Return every numeric schema under the node, with its place."""
    found = []
    if isinstance(node, dict):
        kinds = node.get("type")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if {"integer", "number"} & {kind for kind in kinds if isinstance(kind, str)}:
            found.append((path, node))
        for name, inner in node.items():
            found += numbers_in(inner, f"{path}/{name}")
    elif isinstance(node, list):
        for number, inner in enumerate(node):
            found += numbers_in(inner, f"{path}/{number}")
    return found


def test_asvs_v1_4_2_every_number_that_the_api_takes_has_bounds() -> None:
    schemas = SCHEMA["components"]["schemas"]
    asked: list[tuple[str, dict[str, Any]]] = []
    for path, operations in SCHEMA["paths"].items():
        for method, operation in operations.items():
            asked += numbers_in(operation.get("parameters", []), f"{method} {path}")
            text = json.dumps(operation.get("requestBody", {}))
            asked += numbers_in(operation.get("requestBody", {}), f"{method} {path}")
            for name, schema in schemas.items():
                if f'#/components/schemas/{name}"' in text:
                    asked += numbers_in(schema, name)

    assert asked
    assert [place for place, node in asked if not {"minimum", "maximum"} <= node.keys()] == []
