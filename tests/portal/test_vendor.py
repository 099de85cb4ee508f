"""The vendored files are the ones that were reviewed."""

import hashlib
import json
from pathlib import Path

import pytest
from django.conf import settings

BASE = Path(settings.BASE_DIR)
FOLDERS = (BASE / "static" / "vendor", BASE / "tests" / "e2e" / "vendor")


@pytest.mark.parametrize("vendor", FOLDERS, ids=("static", "e2e"))
def test_vendor_files_match_their_recorded_digests(vendor: Path) -> None:
    recorded = json.loads((vendor / "vendor.json").read_text())
    expected = {
        f"{folder}/{name}": digest
        for folder, package in recorded.items()
        for name, digest in package["files"].items()
    }
    actual = {
        file.relative_to(vendor).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in vendor.rglob("*")
        if file.is_file() and file.parent != vendor
    }
    assert actual == expected
    assert all(package["licence"] and package["version"] for package in recorded.values())
