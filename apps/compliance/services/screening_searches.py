"""Names screened on demand: one at once, a file in the background; every question is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db.models import F

from apps.audit.services import emit
from apps.compliance.domain.matching import MATCHER_VERSION
from apps.compliance.domain.search_terms import SearchTerms, terms_clean, terms_of_file
from apps.compliance.events import ScreeningSearched, ScreeningSearchFailed
from apps.compliance.models import ScreeningSearch, ScreeningSearchRow
from apps.compliance.selectors.screening import candidates_of, versions_in_force
from apps.compliance.selectors.screening_searches import search_get
from apps.compliance.services.screening import Pair, pairs_scored
from apps.core.commands import command
from apps.core.errors import InvalidInput, NotPermitted
from apps.infrastructure.encryption import blind_index
from apps.infrastructure.failures import FailureTold
from apps.users.models import User

RUN = "compliance.run_screeningsearch"
MAX_PURPOSE = 200
# Results of one name; rows of one transaction.
MOST_RESULTS = 20
CHUNK = 100
# Tries of a chunk before the search ends as failed.
MOST_FAILURES = 3
FAILURE = "comparison_failed"
Status = ScreeningSearch.Status


@command
def name_search(*, actor: User, purpose: str, given: Mapping[str, str]) -> ScreeningSearch:
    """Compare one name with the lists in force and keep what came out.

    `given` has a name and may have kind, birth_date, country, identifier and a reference.  Raises
    NotPermitted, InvalidInput.
    """
    reason = _purpose(actor, purpose)
    search = _search_keep(actor, reason, [terms_clean(given)], digest="")
    _rows_compare(search, list(search.rows.all()))
    search.refresh_from_db()
    return search


@command
def file_search(*, actor: User, purpose: str, content: bytes) -> ScreeningSearch:
    """Take a CSV file of names; a worker compares them.

    The same file from the same officer against the same lists is the same search.  Raises
    NotPermitted, InvalidInput.
    """
    reason = _purpose(actor, purpose)
    state = repr((sorted(versions_in_force().items()), MATCHER_VERSION))
    content_hash = sha256(content).hexdigest()
    digest = blind_index(f"{content_hash} {state}", "screening.search")
    # Two uploads at once: the second waits here and finds the first's.
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    known = ScreeningSearch.objects.filter(actor=actor, digest=digest).first()
    return known or _search_keep(actor, reason, terms_of_file(content), digest=digest)


def searches_run() -> int:
    """Compare what waits, a chunk a transaction; return how many rows.  What is cut off goes on.

    The oldest first; one that fails is tried again at the next call, and stops no other.
    """
    waiting = ScreeningSearch.objects.filter(status=Status.RUNNING).order_by("created_at", "id")
    return sum(_search_run(search_id) for search_id in list(waiting.values_list("id", flat=True)))


def _search_run(search_id: UUID) -> int:
    done, has_failed = 0, True
    with FailureTold(
        "SEARCH_FAILED",
        subject=str(search_id),
        message=f"A file of names could not be compared; it ends after {MOST_FAILURES} failures.",
    ):
        while count := _chunk_run(search_id=search_id):
            done += count
        has_failed = False
    if has_failed:
        _failure_count(search_id=search_id)
    return done


@command
def search_view(*, actor: User, search_id: UUID, how: str = "VIEWED") -> ScreeningSearch:
    """Return a search for an officer's eyes, or to take out; the access is kept.  NotFound."""
    search = search_get(actor, search_id)
    _note(search, actor, how)
    return search


@command
def _chunk_run(*, search_id: UUID) -> int:
    search = ScreeningSearch.objects.select_for_update().get(id=search_id)
    if search.status != Status.RUNNING:
        return 0
    rows = list(search.rows.filter(is_done=False)[:CHUNK])
    if rows:
        _rows_compare(search, rows)
    return len(rows)


@command
def _failure_count(*, search_id: UUID) -> None:
    """Note that a chunk failed; the last of MOST_FAILURES in a row ends the search."""
    search = ScreeningSearch.objects.select_for_update().get(id=search_id)
    if search.status != Status.RUNNING:
        return
    search.failures += 1
    if search.failures >= MOST_FAILURES:
        search.status, search.failure_code, search.digest = Status.FAILED, FAILURE, ""
        emit(
            ScreeningSearchFailed(
                stream=search.stream,
                search_id=str(search.id),
                code=FAILURE,
                done_count=search.done_count,
                row_count=search.row_count,
            ),
            actor=None,
        )
    search.save()


def _purpose(actor: User, purpose: str) -> str:
    if not actor.is_active or not actor.has_perm(RUN):
        raise NotPermitted("You may not screen names.")
    text = purpose.strip()
    if not text or len(text) > MAX_PURPOSE or not text.isprintable():
        limit = f"1 to {MAX_PURPOSE} characters"
        raise InvalidInput(f"Say what for, in {limit}.", field="purpose")
    return text


def _search_keep(
    actor: User, purpose: str, terms: Sequence[SearchTerms], *, digest: str
) -> ScreeningSearch:
    search = ScreeningSearch.objects.create(
        actor=actor,
        purpose=purpose,
        digest=digest,
        list_versions=versions_in_force(),
        matcher_version=MATCHER_VERSION,
        row_count=len(terms),
    )
    ScreeningSearchRow.objects.bulk_create(
        (
            ScreeningSearchRow(search=search, number=number, asked=asdict(one))
            for number, one in enumerate(terms, start=1)
        ),
        batch_size=1000,
    )
    _note(search, actor, "ASKED")
    return search


def _rows_compare(search: ScreeningSearch, rows: Sequence[ScreeningSearchRow]) -> None:
    hits = 0
    for row in rows:
        row.results = _results(SearchTerms(**row.asked))
        row.is_done = True
        row.save(update_fields=["results", "is_done"])
        hits += any(result["is_hit"] for result in row.results)
    ScreeningSearch.objects.filter(pk=search.pk).update(
        done_count=F("done_count") + len(rows), hit_count=F("hit_count") + hits, failures=0
    )
    ScreeningSearch.objects.filter(pk=search.pk, done_count=F("row_count")).update(
        status=Status.DONE
    )


def _results(terms: SearchTerms) -> list[dict[str, Any]]:
    pairs = [
        pair
        for subject in terms.subjects
        for pair in pairs_scored(subject, candidates_of(subject), "")
    ]
    pairs.sort(key=lambda pair: (-pair.match.score, pair.candidate.entity_id))
    return [_result(pair) for pair in pairs[:MOST_RESULTS]]


def _result(pair: Pair) -> dict[str, Any]:
    return {
        "list_code": pair.candidate.list_code,
        "entry": pair.candidate.uid,
        "kind": pair.candidate.subject.kind,
        "listed_name": pair.match.listed_name,
        "score": str(pair.match.score),
        "is_hit": pair.is_hit,
        "features": [
            {**feature.as_json(), "asked": feature.client} for feature in pair.match.features
        ],
    }


def _note(search: ScreeningSearch, actor: User, how: str) -> None:
    event = ScreeningSearched(
        stream=search.stream, search_id=str(search.id), how=how, row_count=search.row_count
    )
    emit(event, actor=actor)
