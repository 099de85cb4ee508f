"""What is installed is what the locks say, and the list of parts says the same."""

import json
import subprocess
import sys
import tomllib
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.version import Version

from stratford.embedded import BASE_DIR


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = util.spec_from_file_location("audit", BASE_DIR / "deploy" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def sbom(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what `make sbom` writes."""
    recipe = (BASE_DIR / "Makefile").read_text().partition("\nsbom:")[2].splitlines()[1]
    file = tmp_path_factory.mktemp("sbom") / "sbom.cdx.json"
    command = recipe.strip().replace("$(BIN)", str(Path(sys.executable).parent))
    words = command.replace(" sbom.cdx.json", f" {file}").split()
    subprocess.run(words, cwd=BASE_DIR, check=True, capture_output=True)
    written: dict[str, Any] = json.loads(file.read_text())
    return written


def hashes_of(text: str) -> set[str]:
    return {part.split()[0] for part in text.split("--hash=sha256:")[1:]}


def test_asvs_v15_1_2_list_of_parts_matches_the_lock(
    sbom: dict[str, Any], audit: ModuleType
) -> None:
    text = (BASE_DIR / "requirements.lock").read_text()
    listed = {part["name"].lower(): Version(part["version"]) for part in sbom["components"]}
    hashes = {
        found["content"]
        for part in sbom["components"]
        for reference in part["externalReferences"]
        for found in reference.get("hashes", ())
    }

    assert sbom["bomFormat"] == "CycloneDX"
    assert sbom["metadata"]["component"]["name"] == "stratford"
    assert listed == audit.locked(text)
    assert hashes == hashes_of(text)


def test_asvs_v15_1_2_lock_has_every_part_that_the_project_asks_for(audit: ModuleType) -> None:
    project = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())
    names = {audit.Requirement(item).name for item in project["project"]["dependencies"]}
    versions = audit.locked((BASE_DIR / "requirements.lock").read_text())

    assert {name for name in names if audit.canonicalize_name(name) not in versions} == set()


def test_locks_agree_and_nothing_is_below_its_floor(audit: ModuleType) -> None:
    floors = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["tool"]["uv"]
    run, dev = (audit.locked((BASE_DIR / name).read_text()) for name in audit.LOCKS)

    assert run.items() <= dev.items()
    assert audit.below_floor(dev, floors["constraint-dependencies"]) == []


@pytest.mark.parametrize(
    "text",
    ["django==5.2.19", "django>=5 --hash=sha256:aa", "git+https://x.example/y --hash=sha256:aa"],
)
def test_lock_with_a_line_that_is_not_pinned_and_hashed_is_refused(
    audit: ModuleType, text: str
) -> None:
    with pytest.raises(ValueError, match="Not one version"):
        audit.locked(text)


def test_version_below_its_floor_or_other_than_locked_is_named(audit: ModuleType) -> None:
    versions = {"django": Version("5.2.1")}

    assert audit.below_floor(versions, ["django>=5.2.8"]) == [
        "django 5.2.1 is refused by django>=5.2.8"
    ]
    assert audit.not_as_locked(versions, {"django": Version("5.2.2")}) == [
        "django 5.2.2 is installed, the lock says 5.2.1"
    ]


def test_verdict_counts_only_what_was_audited(audit: ModuleType) -> None:
    """Of a mirror without advisories pip-audit reports success; that is no success."""
    skipped = {"name": "a", "skip_reason": "not found"}
    clean = {"name": "b", "version": "1", "vulns": []}
    weak = {"name": "c", "version": "2", "vulns": [{"id": "PYSEC-1"}]}

    assert audit.verdict({"dependencies": [skipped]}) == (0, [])
    assert audit.verdict({"dependencies": [skipped, clean, weak]}) == (2, ["c 2: PYSEC-1"])
