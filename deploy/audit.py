"""Look for known weaknesses in what the locks install: audit.py [--required].

pip-audit asks PyPI's advisory service.  Where it cannot be reached nothing has been audited, and
this says so instead of reporting success (pip-audit itself answers "none found" when a mirror knows
no advisories); `--required` makes that a failure.  What can be known without the service is
checked everywhere: every line of the locks is one version with hashes, what is installed is what
they say, and nothing is older than the floors in pyproject.toml.
"""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^\]]+\])?==(?P<version>[^\s;\\]+)")


def locked(text: str) -> dict[str, Version]:
    """Return version by name.  Raises ValueError for a line that is not pinned or has no hash."""
    found: dict[str, Version] = {}
    for block in re.split(r"\n(?=\S)", text.strip()):
        entry = ENTRY.match(block)
        if entry is None or "--hash=sha256:" not in block:
            raise ValueError(f"Not one version with hashes: {block.splitlines()[0]}")
        found[canonicalize_name(entry["name"])] = Version(entry["version"])
    return found


def below_floor(versions: dict[str, Version], floors: list[str]) -> list[str]:
    """Return a line for every locked version that a floor refuses."""
    requirements = [Requirement(floor) for floor in floors]
    return [
        f"{floor.name} {versions[canonicalize_name(floor.name)]} is refused by {floor}"
        for floor in requirements
        if canonicalize_name(floor.name) in versions
        and versions[canonicalize_name(floor.name)] not in floor.specifier
    ]


def not_as_locked(versions: dict[str, Version], installed: dict[str, Version]) -> list[str]:
    """Return a line for every package that is installed in another version than the lock's."""
    return [
        f"{name} {installed[name]} is installed, the lock says {version}"
        for name, version in versions.items()
        if name in installed and installed[name] != version
    ]


def verdict(report: dict[str, list[dict[str, object]]]) -> tuple[int, list[str]]:
    """Return how many packages were audited, and a line for each known weakness."""
    audited = [item for item in report["dependencies"] if "skip_reason" not in item]
    weak = [
        f"{item['name']} {item['version']}: {weakness['id']}"
        for item in audited
        for weakness in item["vulns"]  # type: ignore[attr-defined]
    ]
    return len(audited), weak


def _ask(lock: Path) -> tuple[int, list[str]]:
    tool = Path(sys.executable).with_name("pip-audit")
    command = [str(tool), "--disable-pip", "--require-hashes", "-r", str(lock), "-f", "json"]
    answer = subprocess.run(  # noqa: S603
        [*command, "--progress-spinner", "off", "--timeout", "10"],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return verdict(json.loads(answer.stdout))
    except json.JSONDecodeError:
        return 0, []


def _offline() -> list[str]:
    floors = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"][
        "constraint-dependencies"
    ]
    installed = {
        str(canonicalize_name(item.name)): Version(item.version)
        for item in metadata.distributions()
    }
    problems: list[str] = []
    for name in LOCKS:
        versions = locked((ROOT / name).read_text())
        problems += below_floor(versions, floors) + not_as_locked(versions, installed)
        sys.stdout.write(f"{name}: {len(versions)} versions, each with its hashes.\n")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description="Look for known weaknesses in the locks.")
    parser.add_argument("--required", action="store_true", help="fail when nothing was audited")
    required = parser.parse_args().required
    problems = _offline()
    audited, weak = _ask(ROOT / LOCKS[1])
    if audited:
        sys.stdout.write(f"pip-audit: {audited} packages, {len(weak)} known weaknesses.\n")
    else:
        sys.stdout.write(
            "pip-audit: THE ADVISORY SERVICE COULD NOT BE REACHED, NOTHING WAS AUDITED."
            " Only versions, hashes and floors were checked.\n"
        )
    for line in (*problems, *weak):
        sys.stdout.write(f"  {line}\n")
    return 1 if problems or weak or (required and not audited) else 0


if __name__ == "__main__":
    sys.exit(main())
