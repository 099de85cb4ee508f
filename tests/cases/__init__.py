"""Figures published by other projects' tests (each file names its source), to measure ours by."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def load_case(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())
