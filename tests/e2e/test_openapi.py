"""The running API and its description agree: every check of schemathesis, in three shares."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stratford.embedded import BASE_DIR
from tests.e2e.api import Api
from tests.e2e.demo import Demo

TIMEOUT_SECONDS = 600
# What ends the token that it is called with, or needs none, is left to the officer's share.
SIGN_IN = "^/api/v1/(auth|sessions)/"
ORDERS = "^/api/v1/(orders|trades)"
OFFICERS = "^/api/v1/(alerts|kyc-records|screening|work-items)"
SHARES = (
    ("CLIENT", ("--include-path-regex", ORDERS)),
    ("CLIENT", ("--exclude-path-regex", f"{SIGN_IN}|{ORDERS}|{OFFICERS}")),
    ("COMPLIANCE_OFFICER", ("--include-path-regex", f"{SIGN_IN}|{OFFICERS}")),
)


def _run(
    demo: Demo, folder: Path, token: str, chosen: tuple[str, ...]
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "--no-color"),
            *("--config-file", str(BASE_DIR / "schemathesis.toml")),
            *("run", f"{demo.base_url}/api/v1/schema", "--checks", "all"),
            *("--header", f"Authorization: Bearer {token}", "--workers", "1"),
            *("--request-timeout", "60"),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", "3"),
            *("--generation-deterministic", "--continue-on-failure"),
            *chosen,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )


def test_openapi_of_the_running_api_passes_every_check(demo: Demo, tmp_path: Path) -> None:
    tokens = {}
    for role in ("CLIENT", "COMPLIANCE_OFFICER"):
        api = Api(demo.base_url)
        api.sign_in(next(person for person in demo.people if person.role == role))
        tokens[role] = api.token
    with ThreadPoolExecutor(len(SHARES)) as pool:
        runs = list(
            pool.map(lambda share: _run(demo, tmp_path, tokens[share[0]], share[1]), SHARES)
        )
    failed = [run for run in runs if run.returncode]
    assert not failed, "\n".join(run.stdout[-20_000:] + run.stderr[-2_000:] for run in failed)
    for run in runs:
        assert "0 generated" not in run.stdout, run.stdout[-2_000:]
