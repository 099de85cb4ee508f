"""How a timeline is shortened for reading; the trail itself keeps every row."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any


def views_folded(items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Fold views in a row by one officer into the first of them, with how many (`times`).

    Items carry `event` (the event's name) and `who`.
    """
    folded: list[dict[str, Any]] = []
    for _, rows in groupby(enumerate(items), _key):
        run = [row for _, row in rows]
        folded.append({**run[0], "times": len(run)})
    return folded


def _key(numbered: tuple[int, dict[str, Any]]) -> tuple[str, str, int]:
    number, item = numbered
    is_view = str(item["event"]).endswith(".viewed")
    return (item["event"], item["who"], -1) if is_view else (item["event"], item["who"], number)
