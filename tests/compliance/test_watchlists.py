import csv
import shutil
import time
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.audit.models import AuditEvent
from apps.compliance.domain.matching import (
    DEFAULT_THRESHOLD,
    Subject,
    subject_match,
)
from apps.compliance.domain.name_similarity import name_similarity
from apps.compliance.models import WatchlistEntity, WatchlistName, WatchlistVersion
from apps.compliance.selectors.screening import candidates_of
from apps.compliance.services import watchlists
from apps.compliance.services.watchlists import SAMPLE, default_source, watchlist_import
from apps.core.errors import Refused

reference = pytest.mark.skipif(
    not settings.REFERENCE_DATA, reason="STRATFORD_REFERENCE_DATA names no folder of real lists"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE, tmp_path / "list"))


def edit(folder: Path, name: str, change: Callable[[str], str]) -> None:
    path = folder / name
    with path.open(encoding="utf-8", newline="") as file:
        text = file.read()
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(change(text))


def bring_in(folder: Path) -> WatchlistVersion:
    return watchlist_import(actor=None, path=folder, list_code="SAMPLE")


@pytest.mark.django_db
def test_watchlist_import_reads_every_name_date_and_country(folder: Path) -> None:
    version = bring_in(folder)

    assert (version.entity_count, version.added_count) == (8, 8)
    entity = WatchlistEntity.objects.get(uid="9001")
    assert entity.kind == "PERSON"
    assert entity.birth_dates == ["1961-03-14"]
    assert entity.countries == ["RU"]
    assert entity.programmes == ["SAMPLE-A"]
    names = {name.name: (name.kind, name.script, name.is_weak) for name in entity.names.all()}
    assert names == {
        "Dmitri Olegovich MARCHENKOV": ("PRIMARY", "Latn", False),
        "Dmitry MARCHENKOFF": ("ALIAS", "Latn", False),
        "Дмитрий Олегович Марченков": ("ALIAS", "Cyrl", False),
        "DIMA M": ("ALIAS", "Latn", True),
    }
    assert WatchlistEntity.objects.get(uid="9008").birth_dates == ["1982"]
    event = AuditEvent.objects.get(name="compliance.watchlist.imported")
    assert event.payload["added"] == 8


@pytest.mark.django_db
def test_watchlist_import_of_unchanged_files_is_a_no_op(folder: Path) -> None:
    first = bring_in(folder)

    assert bring_in(folder) == first
    assert WatchlistVersion.objects.count() == 1
    assert AuditEvent.objects.filter(name="compliance.watchlist.imported").count() == 1


@pytest.mark.django_db
def test_watchlist_import_of_changed_files_keeps_what_the_old_version_said(folder: Path) -> None:
    bring_in(folder)

    def change(text: str) -> str:
        lines = text.replace("30 Jan 1970", "30 Jan 1971").splitlines(keepends=True)
        extra = '9100,"NEWMAN, Nora","individual","SAMPLE-A"' + ",-0- " * 8 + "\r\n"
        return "".join([*(line for line in lines if not line.startswith("9007")), ""]).replace(
            "\x1a", extra + "\x1a"
        )

    edit(folder, "sdn.csv", change)
    edit(
        folder, "alt.csv", lambda text: text.replace('9007,15,"aka","SEVERNYY PRILIV",-0- \r\n', "")
    )
    version = bring_in(folder)

    assert version.version == 2
    assert (version.added_count, version.changed_count, version.removed_count) == (1, 1, 1)
    rows = WatchlistEntity.objects.filter(uid="9005").order_by("id")
    assert [row.birth_dates for row in rows] == [["1970-01-30"], ["1971-01-30"]]
    assert [row.removed_in for row in rows] == [version, None]
    assert WatchlistEntity.objects.get(uid="9007").removed_in == version


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("sdn.csv", lambda text: text.replace("\x1a\r\n", "")),
        ("sdn.csv", lambda text: text + '9200,"LATE"\r\n'),
        ("sdn.csv", lambda text: text.replace("9003,", "x,")),
        ("sdn.csv", lambda text: text.replace(',"SAMPLE-D"', "")),
        ("sdn.csv", lambda text: text.replace("9002,", "9001,")),
        ("sdn.csv", lambda text: text.replace('"BRANTOV, Viktor"', "-0- ")),
        ("sdn.csv", lambda text: text.replace("KESTREL", "K" * 5000)),
        ("sdn.csv", lambda _: "\x1a\r\n"),
        ("alt.csv", lambda text: text[: len(text) // 2]),
        ("alt.csv", lambda text: text.replace("9001,1,", "8000,1,")),
        ("add.csv", lambda text: text.replace('"Moscow"', '"Mos')),
    ],
)
def test_watchlist_import_of_a_broken_file_leaves_the_old_version_in_force(
    folder: Path, name: str, change: Callable[[str], str]
) -> None:
    bring_in(folder)
    before = list(WatchlistEntity.objects.values_list("uid", "removed_in"))
    edit(folder, name, change)

    with pytest.raises(Refused) as refusal:
        bring_in(folder)

    assert refusal.value.code == "watchlist_broken"
    assert list(WatchlistEntity.objects.values_list("uid", "removed_in")) == before
    assert WatchlistVersion.objects.count() == 1
    assert AuditEvent.objects.filter(name="compliance.watchlist.import_refused").count() == 1


@pytest.mark.django_db
def test_watchlist_import_without_a_file_or_not_in_utf8_is_refused(folder: Path) -> None:
    (folder / "add.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Refused):
        bring_in(folder)
    (folder / "add.csv").unlink()

    with pytest.raises(Refused) as refusal:
        bring_in(folder)

    assert refusal.value.facts == {"file": "add.csv"}


@pytest.mark.django_db
def test_watchlist_import_of_half_a_list_is_refused(folder: Path) -> None:
    bring_in(folder)
    edit(folder, "alt.csv", lambda _: "\x1a\r\n")
    edit(
        folder,
        "sdn.csv",
        lambda text: "".join(text.splitlines(keepends=True)[:3]) + "\x1a\r\n",
    )

    with pytest.raises(Refused) as refusal:
        bring_in(folder)

    assert refusal.value.code == "watchlist_shrunk"
    assert WatchlistEntity.objects.filter(removed_in=None).count() == 8


@pytest.mark.django_db
def test_watchlist_import_command_says_what_came_in(folder: Path) -> None:
    out = StringIO()

    call_command("watchlist_import", str(folder), "--list", "SAMPLE", stdout=out)

    assert "SAMPLE v1: 8 entries" in out.getvalue()
    with pytest.raises(CommandError):
        call_command("watchlist_import", str(folder / "absent"))


def test_default_source_without_reference_data_is_the_sample(
    settings: "pytest.FixtureRequest", tmp_path: Path
) -> None:
    settings.REFERENCE_DATA = str(tmp_path)  # type: ignore[attr-defined]
    assert default_source() == ("SAMPLE", SAMPLE)
    (tmp_path / "ofac").mkdir()
    (tmp_path / "ofac" / "sdn.csv").touch()
    assert default_source() == ("OFAC-SDN", tmp_path / "ofac")


def person(*names: str, born: str = "", country: str = "") -> Subject:
    return Subject("PERSON", names, (born,) if born else (), (country,) if country else ())


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        "Dmitri Olegovich Marchenkov",
        "Marchenkov Dmitri",
        "Dmitry Marchenkof",
        "Дмитрий Марченков",
        "DMITRIY MARCENKOV",
        "Youssef Tamari",
        "Viktar Brantau",
        "Leila Qardashian Vey",
        "Ignacio Solvanez-Prado",
    ],
)
def test_candidates_survive_typos_order_and_script(folder: Path, name: str) -> None:
    bring_in(folder)
    subject = person(name)

    matches = [subject_match(subject, found.subject) for found in candidates_of(subject)]

    assert max(match.score for match in matches) >= DEFAULT_THRESHOLD


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["Ada Lovelace", "Grace Hopper", "Maria Ignatievna Petrova"])
def test_candidates_of_a_stranger_do_not_match(folder: Path, name: str) -> None:
    bring_in(folder)
    subject = person(name)

    matches = [subject_match(subject, found.subject) for found in candidates_of(subject)]

    assert all(match.score < DEFAULT_THRESHOLD for match in matches)


def test_subject_match_explains_what_birth_date_and_country_add() -> None:
    listed = person("Viktor Brantov", born="1970-01-30", country="BY")

    same = subject_match(person("Wiktar Brantof", born="1970-01-30", country="BY"), listed)
    full = subject_match(person("Viktor Brantof", born="1970-01-30", country="BY"), listed)
    near = subject_match(person("Viktor Brantof", born="1971-05-05", country="DE"), listed)
    year = subject_match(person("Viktor Brantof", born="1970-05-05"), listed)
    other = subject_match(person("Viktor Brantof", born="1990-05-05"), listed)

    assert [feature.contribution for feature in same.features[1:]] == [
        Decimal("0.05"),
        Decimal("0.02"),
    ]
    assert full.score == sum(feature.contribution for feature in full.features) == 1
    assert [feature.contribution for feature in near.features[1:]] == [0, Decimal("-0.03")]
    assert [feature.contribution for feature in year.features[1:]] == [Decimal("0.02")]
    assert full.score > year.score > near.score > other.score
    assert other.score == full.features[0].similarity - Decimal("0.10")


def test_subject_match_of_a_weak_alias_counts_less() -> None:
    client, listed = person("Dima Markov"), person("Dima Markov")

    assert subject_match(client, listed, frozenset({"Dima Markov"})).score == Decimal("0.900")


@pytest.mark.parametrize(("first", "second"), [("", "Ada Lovelace"), ("...", "Ada Lovelace")])
def test_name_similarity_of_nothing_is_zero(first: str, second: str) -> None:
    assert name_similarity(first, second, "PERSON") == 0


@reference
def test_matcher_on_labelled_pairs_reaches_its_f1() -> None:
    kinds = {"Person": "PERSON", "Vessel": "VESSEL"}
    right = wrong = missed = 0
    with (Path(settings.REFERENCE_DATA) / "names" / "pairs.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            kind = kinds.get(row["schema"], "ORGANISATION")
            found = name_similarity(row["name1"], row["name2"], kind) >= DEFAULT_THRESHOLD
            truth = row["is_match"] == "true"
            right += found and truth
            wrong += found and not truth
            missed += truth and not found

    assert 2 * right / (2 * right + wrong + missed) >= 0.84


@reference
@pytest.mark.django_db
def test_watchlist_import_of_the_full_list_takes_seconds_and_finds_every_spelling() -> None:
    began = time.monotonic()
    version = watchlist_import(actor=None, path=Path(settings.REFERENCE_DATA) / "ofac")

    assert time.monotonic() - began < 30
    assert version.entity_count == 8976
    assert WatchlistName.objects.count() == version.name_count > 20_000
    for name in ("Usama bin Ladin", "Osama Bin Laden", "Осама бен Ладен"):
        subject = person(name)
        matches = [subject_match(subject, found.subject) for found in candidates_of(subject)]
        assert max(match.score for match in matches) >= DEFAULT_THRESHOLD


def test_sample_list_is_bundled() -> None:
    assert watchlists.SAMPLE.joinpath("sdn.csv").exists()
