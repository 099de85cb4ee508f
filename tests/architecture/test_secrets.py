"""No secret in the repository, in what goes into the image, or in the environment's description."""

import re
import subprocess
from pathlib import Path

from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]
SECRETS = re.compile(
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\n[A-Za-z0-9+/]{20}"
    r"|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bxox[baprs]-[A-Za-z0-9-]{20,}"
    r"|\bsk_live_[A-Za-z0-9]{20,}"
)
KEY_FILES = (".key", ".pem", ".p12", ".pfx", ".jks")


def committed() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_asvs_v13_3_1_repository_has_no_secret() -> None:
    files = [path for path in committed() if path.is_file()]
    texts = {path: path.read_text(errors="replace") for path in files}

    assert len(files) > 300
    assert not [path for path in files if path.suffix in KEY_FILES or path.name == ".env"]
    assert not [path for path, text in texts.items() if SECRETS.search(text)]
    assert not [
        path
        for path, text in texts.items()
        if settings.SECRET_KEY in text and "tests" not in path.parts
    ]


def test_asvs_v13_3_1_environment_is_described_without_values() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = [line for line in lines if re.match(r"\w*(PASSWORD|SECRET|TOKEN|PIN)\w*=", line)]

    assert named
    assert not [line for line in named if not re.search(r"=replace[\w-]*$", line)]


def test_asvs_v13_3_1_image_takes_no_secret() -> None:
    ignored = (ROOT / ".dockerignore").read_text()
    built = (ROOT / "Dockerfile").read_text()

    assert {"var", ".env", ".git"} <= {line.strip("/* ") for line in ignored.splitlines()}
    assert not re.search(r"^(ENV|ARG) .*(PASSWORD|SECRET|TOKEN|KEY)", built, re.MULTILINE)
