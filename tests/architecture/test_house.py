"""What the import linter cannot see: file names, sizes, keyword-only commands, event names."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

from apps.core.events import DomainEvent

ROOT = Path(__file__).resolve().parents[2]
CONTEXTS = sorted(
    folder.name for folder in (ROOT / "apps").iterdir() if (folder / "apps.py").exists()
)
CONTEXT_FILES = {
    *("__init__.py", "apps.py", "domain", "events.py", "models", "repositories", "services"),
    *("selectors", "api", "urls.py", "admin", "consumers.py", "views", "tasks.py", "handlers"),
    *("providers", "venues", "management", "migrations"),
    # Names that Django, DRF, Channels and allauth give to their joints.
    *(
        "authentication.py",
        "backends.py",
        "adapter.py",
        "forms",
        "routing.py",
        "schema.py",
        "middleware.py",
        "templatetags",
    ),
    # Checks that other contexts run by dotted path; the signed-in user behind a request, and
    # whether they have just proven the second factor.
    *("gates.py", "actors.py", "step_up.py", "access.py", "data"),
}
# The kernel and the plumbing are named by what they hold.
FREE_NAMES = {"core", "infrastructure"}
MAX_LINES = 400


def sources() -> Iterator[Path]:
    for folder in ("apps", "stratford"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def test_the_eleven_contexts_are_there() -> None:
    assert [
        *("analytics", "audit", "compliance", "core", "infrastructure", "ledger", "market"),
        *("notifications", "portal", "trading", "users"),
    ] == CONTEXTS


@pytest.mark.parametrize("context", [name for name in CONTEXTS if name not in FREE_NAMES])
def test_context_has_no_file_name_of_its_own(context: str) -> None:
    names = {
        path.name
        for path in (ROOT / "apps" / context).iterdir()
        if path.name != "__pycache__" and not path.name.startswith(".")
    }

    stems = {name.removesuffix(".py") for name in names}
    allowed = {name.removesuffix(".py") for name in CONTEXT_FILES}
    assert stems <= allowed, stems - allowed


def test_source_files_are_small_and_say_why_they_exist() -> None:
    problems = []
    for path in sources():
        text = path.read_text()
        if len(text.splitlines()) > MAX_LINES:
            problems.append(f"{path}: more than {MAX_LINES} lines")
        says_why = ast.get_docstring(ast.parse(text)) is not None
        if text.strip() and path.name not in {"__init__.py", "apps.py"} and not says_why:
            problems.append(f"{path}: no docstring")

    assert not problems


def test_models_are_never_fetched_by_name() -> None:
    found = [path for path in sources() if re.search(r"\bget_model\(", path.read_text())]

    assert not found


def commands() -> Iterator[tuple[Path, ast.FunctionDef]]:
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(decorator, ast.Name) and decorator.id == "command"
                for decorator in node.decorator_list
            ):
                yield path, node


def test_commands_take_keywords_only_and_are_named_noun_verb() -> None:
    problems = [
        f"{path}: {node.name}"
        for path, node in commands()
        if node.args.args
        or node.args.posonlyargs
        or not re.fullmatch(r"_?[a-z]+(_[a-z]+)+", node.name)
    ]

    assert not problems
    assert sum(1 for _ in commands()) > 10


def test_events_are_named_after_their_context() -> None:
    problems = [
        event.name
        for event in DomainEvent.types.values()
        if event.__module__.startswith("apps.")
        and (
            event.name.split(".")[0] != event.__module__.split(".")[1]
            or not re.fullmatch(r"[a-z]+(\.[a-z_]+){2}", event.name)
        )
    ]

    assert not problems


def test_handlers_are_loaded_by_their_application() -> None:
    for context in CONTEXTS:
        config = apps.get_app_config(context)
        if (ROOT / "apps" / context / "handlers.py").exists():
            assert "handlers" in inspect.getsource(type(config).ready)
