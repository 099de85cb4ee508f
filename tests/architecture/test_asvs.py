"""The table of verified requirements in docs/security.md against the tests that there are."""

import ast
import csv
import re
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings

from apps.infrastructure.security_log import CODES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "security.md"
ROW = re.compile(r"\| (V\d+\.\d+\.\d+) \| ([^|]*) \| ([^|]*) \|")
TEST = re.compile(r"`(test_asvs_[a-z0-9_]+)`")
ROWS = 85
LEAST_TESTED = 70


def table() -> dict[str, str]:
    """Return what the document says of each row: the tests, or why there is none."""
    rows = ROW.findall(DOCUMENT.read_text())
    assert not [name for name, count in Counter(row[0] for row in rows).items() if count > 1]
    return {name: how for name, _, how in rows}


def named() -> dict[str, set[str]]:
    return {row: set(TEST.findall(how)) for row, how in table().items()}


def existing() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(node.name)
    return {name for name in found if name.startswith("test_asvs_")}


def row_of(test: str) -> str:
    part = re.match(r"test_asvs_v(\d+)_(\d+)_(\d+)_", test)
    assert part, f"{test} names no row"
    return f"V{part[1]}.{part[2]}.{part[3]}"


def test_every_test_of_a_row_stands_in_the_table_at_its_row_and_exists() -> None:
    documented, there = named(), existing()

    misplaced = {t for row, tests in documented.items() for t in tests if row_of(t) != row}
    all_documented = {test for tests in documented.values() for test in tests}
    assert misplaced == set()
    assert all_documented - there == set(), "documented, but not there"
    assert there - all_documented == set(), "there, but not documented"


def test_every_row_has_a_test_or_a_reason_and_most_have_tests() -> None:
    tests, words = named(), table()

    assert len(words) == ROWS
    assert [row for row in words if not tests[row] and len(words[row].split()) < 6] == []
    assert sum(1 for row in tests if tests[row]) >= LEAST_TESTED


def test_table_has_exactly_the_rows_of_the_list() -> None:
    path = Path(settings.REFERENCE_DATA) / "asvs" / "checks.csv"
    if not settings.REFERENCE_DATA or not path.exists():
        pytest.skip("The list of requirements is not here (STRATFORD_REFERENCE_DATA).")
    with path.open() as file:
        listed = {row["id"]: row["paraphrase"] for row in csv.DictReader(file)}

    assert set(table()) == set(listed)


def recorded_codes() -> set[str]:
    """Return the codes that stand as texts in the sources, outside the table of codes."""
    codes: set[str] = set()
    for path in (ROOT / "apps").rglob("*.py"):
        if path.name != "security_log.py":
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and node.value in CODES:
                    codes.add(str(node.value))
                if isinstance(node, ast.Call) and node.args:
                    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                    if name in {"record", "record_once"} and isinstance(node.args[0], ast.Constant):
                        codes.add(str(node.args[0].value))
    return codes


def test_security_events_have_a_code_that_is_known_and_documented() -> None:
    assert recorded_codes() == CODES.keys()
    text = DOCUMENT.read_text()
    assert [code for code in CODES if f"| `{code}` |" not in text] == []
