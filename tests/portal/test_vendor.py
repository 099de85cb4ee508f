"""The vendored files are the ones that were reviewed."""

import hashlib
import json
from pathlib import Path

from django.conf import settings

VENDOR = Path(settings.BASE_DIR) / "static" / "vendor"


def test_vendor_files_match_their_recorded_digests() -> None:
    recorded = json.loads((VENDOR / "vendor.json").read_text())
    expected = {
        f"{folder}/{name}": digest
        for folder, package in recorded.items()
        for name, digest in package["files"].items()
    }
    actual = {
        file.relative_to(VENDOR).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in VENDOR.rglob("*")
        if file.is_file() and file.parent != VENDOR
    }
    assert actual == expected
    assert all(package["licence"] and package["version"] for package in recorded.values())
