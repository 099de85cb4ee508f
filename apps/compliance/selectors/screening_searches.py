"""Searches on demand and what they found, for whoever may screen."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from apps.compliance.domain.wording import feature_words, plain
from apps.compliance.models import KycRecord, ScreeningSearch
from apps.core.errors import NotFound
from apps.users.models import User

VIEW = "compliance.view_screeningsearch"
VIEW_RECORDS = "compliance.view_kycrecord"
EXPORT_HEADER = (
    *("reference", "name", "birth_date", "country", "kind", "result", "score", "list", "entry"),
    *("listed_name", "why"),
)


def search_list(user: User) -> QuerySet[ScreeningSearch]:
    """Return every search for staff with the permission, else none."""
    rows = ScreeningSearch.objects.select_related("actor")
    return rows if user.has_perm(VIEW) else rows.none()


def search_get(user: User, search_id: UUID) -> ScreeningSearch:
    """Return the search; raises NotFound, for whoever may not know of searches too."""
    search = search_list(user).filter(pk=search_id).first()
    if search is None:
        raise NotFound("There is no such search.")
    return search


def search_rows(search: ScreeningSearch, *, only_hits: bool, limit: int) -> list[dict[str, Any]]:
    """Return the first rows, each with its results in words."""
    found: list[dict[str, Any]] = []
    for row in search.rows.filter(is_done=True).iterator(chunk_size=200):
        results = row.results or []
        if only_hits and not any(result["is_hit"] for result in results):
            continue
        shown = [{**result, "features": features_shown(result)} for result in results]
        found.append({"number": row.number, "asked": row.asked, "results": shown})
        if len(found) >= limit:
            break
    return found


def clients_named(user: User, search: ScreeningSearch) -> list[KycRecord]:
    """Return the clients who signed up under exactly the one name that was asked for.

    None for many names, and for whoever may not read clients' records.
    """
    if search.row_count != 1 or not user.has_perm(VIEW_RECORDS):
        return []
    clients = User.objects.named(search.rows.get().asked["name"])
    return list(KycRecord.objects.filter(client__in=clients).select_related("client"))


def features_shown(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {**row, **feature_words(row), "label": plain(row["code"])} for row in result["features"]
    ]


def search_export(search: ScreeningSearch) -> Iterator[tuple[str, ...]]:
    """Yield a row a result, and one for each name without any."""
    for row in search.rows.iterator(chunk_size=200):
        asked = row.asked
        who = tuple(
            asked[column] for column in ("reference", "name", "birth_date", "country", "kind")
        )
        if not row.is_done:
            waits = "not compared" if search.status == "FAILED" else "waiting"
            yield (*who, waits, "", "", "", "", "")
        elif not row.results:
            yield (*who, "nothing found", "", "", "", "", "")
        for result in row.results or []:
            words = "; ".join(
                f"{one['label']}: {one['words']} ({one['contribution']})"
                for one in features_shown(result)
            )
            told = "hit" if result["is_hit"] else "below the threshold"
            place = (result["list_code"], result["entry"], result["listed_name"])
            yield (*who, told, result["score"], *place, words)
