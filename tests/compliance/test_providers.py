"""Every format says the same of the same person, and no file does harm."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.compliance.providers import BrokenList, ListedEntity, ListedIdentifier
from apps.compliance.providers.detection import provider_of
from apps.compliance.providers.own import cells_of, entity_as_json, entity_from_json, entity_of
from apps.compliance.providers.terms import dates_of, identifier_kind, names_of, script_of
from apps.compliance.services.watchlists import SAMPLE

LISTS = Path(__file__).parent / "lists"
FORMATS = {
    "sdn_advanced.xml": ("OFAC_XML", ""),
    "un.xml": ("UN_XML", "UN"),
    "eu.xml": ("EU_XML", "EU"),
    "uk.xml": ("UK_XML", "UK"),
    "ofsi.csv": ("OFSI_CSV", "UK"),
    "entities.ftm.json": ("FTM_JSON", "OPENSANCTIONS"),
    "own.csv": ("OWN_CSV", "OWN"),
}


def read(path: Path) -> list[ListedEntity]:
    provider = provider_of(path)
    provider.issued()
    return list(provider.entities())


@pytest.mark.parametrize("name", FORMATS)
def test_provider_is_told_by_content_and_not_by_name(name: str, tmp_path: Path) -> None:
    copy = tmp_path / "list.txt"
    copy.write_bytes(b"\xef\xbb\xbf" + (LISTS / name).read_bytes())

    provider = provider_of(copy)

    assert (provider.format, provider.default_code) == FORMATS[name]
    assert len(list(provider.entities())) == 2
    assert provider.share_read == 1.0


@pytest.mark.parametrize("name", FORMATS)
def test_provider_yields_the_person_with_everything_that_the_list_says(name: str) -> None:
    person = next(one for one in read(LISTS / name) if one.kind == "PERSON")

    names = {one.name.upper(): (one.kind, one.script, one.is_weak) for one in person.names}
    assert names["VIKTOR BRANTOV"] == ("PRIMARY", "Latn", False)
    assert names["ВИКТОР БРАНТОВ"] == ("ALIAS", "Cyrl", False)
    assert names["VITYA"] == ("ALIAS", "Latn", True)
    assert "1970-01-30" in person.birth_dates
    assert "1968" in person.birth_dates
    assert person.nationalities == ("BY",)
    assert "BY" in person.countries
    assert person.programmes
    assert ("PASSPORT", "MP1234567") in {(one.kind, one.value) for one in person.identifiers}
    assert person.gender == ("M" if name != "ofsi.csv" else "")


@pytest.mark.parametrize("name", [name for name in FORMATS if name.endswith(("xml", "ofsi.csv"))])
def test_provider_tells_the_day_of_issue(name: str, tmp_path: Path) -> None:
    assert provider_of(LISTS / name).issued() == date(2026, 11, 20)

    untold = re.sub(r"2026-11-20|20/11/2026|(?<=<Year>)2026", "0", (LISTS / name).read_text())
    (tmp_path / name).write_text(untold)
    assert provider_of(tmp_path / name).issued() is None


def test_ofsi_list_whose_last_number_is_cut_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes((LISTS / "ofsi.csv").read_bytes()[:-2])

    with pytest.raises(BrokenList):
        read(tmp_path / "list.csv")


@pytest.mark.parametrize("name", ["sdn_advanced.xml", "uk.xml", "entities.ftm.json"])
def test_provider_yields_ships_with_their_number(name: str) -> None:
    ship = next(one for one in read(LISTS / name) if one.kind == "VESSEL")

    assert [one.kind for one in ship.identifiers] == ["IMO"]
    assert ship.identifiers[0].value.endswith("9187629")


def test_ofac_xml_knows_wallets_former_names_and_programmes() -> None:
    person = read(LISTS / "sdn_advanced.xml")[0]

    assert ListedIdentifier("WALLET", "12QtD5BFwRsdNsAZY76UVE1xyCGNTojH9h") in person.identifiers
    assert ListedIdentifier("PASSPORT", "MP1234567", "BY") in person.identifiers
    assert {one.name for one in person.names if one.kind == "FORMER"} == {"OLDNAME"}
    assert (person.programmes, person.addresses) == (("BELARUS",), ("Minsk, Belarus",))
    assert person.birth_dates == ("1968", "1969", "1970-01-30")


def test_ftm_takes_programmes_and_documents_from_lines_of_their_own() -> None:
    person = read(LISTS / "entities.ftm.json")[0]

    assert person.programmes == ("BLR",)
    assert ListedIdentifier("PASSPORT", "MP7654321", "BY") in person.identifiers


def test_ofac_csv_reads_comments_numbers_and_spans_of_years(tmp_path: Path) -> None:
    for path in SAMPLE.glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    more = "DOB 1960 to 1962; Passport X12345 (Iran) issued 01 Jan 2001; Phone Number 77777;"
    text = f'9001,"{more} Vessel Registration Identification IMO 9187629"\r\n\x1a\r\n'
    (tmp_path / "sdn_comments.csv").write_text(text)

    entity = next(one for one in read(tmp_path) if one.uid == "9001")

    assert {"1960", "1961", "1962"} <= set(entity.birth_dates)
    assert ListedIdentifier("PASSPORT", "X12345", "IR") in entity.identifiers
    assert ListedIdentifier("IMO", "9187629") in entity.identifiers
    assert "77777" not in {one.value for one in entity.identifiers}


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]><CONSOLIDATED_LIST><INDIVIDUALS><INDIVIDUAL><FIRST_NAME>&i;</FIRST_NAME>"
    "</INDIVIDUAL></INDIVIDUALS></CONSOLIDATED_LIST>"
)
HOSTILE: dict[str, str] = {
    "billion laughs": BOMB,
    "external entity": '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    "<CONSOLIDATED_LIST>&f;</CONSOLIDATED_LIST>",
    "external subset": '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><CONSOLIDATED_LIST/>',
    "parameter entity": '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/">%p;]>'
    "<CONSOLIDATED_LIST/>",
    "undefined entity": "<CONSOLIDATED_LIST>&nbsp;</CONSOLIDATED_LIST>",
    "too deep": "<CONSOLIDATED_LIST>" + "<a>" * 5000,
    "another document": "<html></html>",
    "no end": "<CONSOLIDATED_LIST><INDIVIDUALS><INDIVIDUAL>",
    "empty": "",
    "no list": "a,b,c\n1,2,3\n",
    "no JSON": "{broken\n",
    "deep JSON": '{"id":' + "[" * 100_000,
    "JSON of another kind": '{"id": 1, "schema": "Person", "properties": 5}\n',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "list.xml"
    path.write_text(HOSTILE[name])

    with pytest.raises(BrokenList):
        read(path)


def test_absent_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.xml", tmp_path):
        with pytest.raises(BrokenList):
            read(path)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_file_with_damage_anywhere_is_read_or_refused(
    name: str, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray((LISTS / name).read_bytes())
    kinds: dict[str, Callable[[int], None]] = {
        "cut": lambda at: content.__delitem__(slice(at, None)),
        "gap": lambda at: content.__delitem__(slice(at, at + 40)),
        "byte": lambda at: content.__setitem__(at, data.draw(st.integers(0, 255))),
        "digits": lambda at: content.__setitem__(slice(at, at), b"9" * 5000),
    }
    kinds[data.draw(st.sampled_from(sorted(kinds)))](data.draw(st.integers(0, len(content) - 1)))
    path = tmp_path / "list"
    path.write_bytes(content)

    try:
        entities = read(path)
    except BrokenList:
        return

    for entity in entities:
        assert entity.names
        assert len(entity.content_hash) == 64
        assert all(len(day) in {4, 7, 10} for day in entity.birth_dates)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("30/01/1970", ("1970-01-30",)),
        ("00/00/1970", ("1970",)),
        ("dd/mm/1970", ("1970",)),
        ("00/05/1970", ("1970-05",)),
        ("05/1970", ("1970-05",)),
        ("1970-05", ("1970-05",)),
        ("31/02/1970", ("1970-02",)),
        ("circa 1961 or 1962", ("1961", "1962")),
        ("unknown", ()),
        ("9" * 5000, ()),
    ],
)
def test_dates_of_keep_what_is_known(text: str, found: tuple[str, ...]) -> None:
    assert dates_of(text) == found


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("National passport", "PASSPORT"),
        ("Numéro de passeport", "PASSPORT"),
        ("National Identification Number", "NATIONAL_ID"),
        ("Cedula No.", "NATIONAL_ID"),
        ("Tax ID No.", "TAX_ID"),
        ("Identification Number", "NATIONAL_ID"),
        ("Registration Number", "REGISTRATION"),
        ("Vessel Registration Identification IMO", "IMO"),
        ("SWIFT/BIC", "BIC"),
        ("Digital Currency Address - XBT", "WALLET"),
        ("Driver's Licence of nobody knows what", "REGISTRATION"),
        ("Trinidad", "OTHER"),
    ],
)
def test_identifier_kind_is_told_by_the_publishers_word(word: str, kind: str) -> None:
    assert identifier_kind(word) == kind


def test_names_of_keep_the_stronger_and_clean_what_no_database_takes() -> None:
    names = names_of(
        [("a\x00b\ud800  c", "ALIAS", True), ("ab c", "ALIAS", False), ("ab c", "PRIMARY", False)]
    )

    assert [(one.name, one.kind, one.is_weak) for one in names] == [("ab c", "PRIMARY", False)]
    assert script_of("金正恩") == "Hani"


def test_own_entry_survives_cells_and_json() -> None:
    entity = read(LISTS / "own.csv")[0]

    assert entity_of(cells_of(entity)) == entity
    assert entity_from_json(entity_as_json(entity)) == entity


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"uid": "a b"}, "uid"),
        ({"kind": "DOG"}, "kind"),
        ({"name": " ..."}, "name"),
        ({"name": "x" * 401}, "name"),
        ({"birth_dates": "soon"}, "birth_dates"),
        ({"countries": "Atlantis"}, "countries"),
        ({"identifiers": "PASSPORT"}, "identifiers"),
        ({"aliases": ";".join(map(str, range(60)))}, "aliases"),
    ],
)
def test_own_entry_with_a_wrong_cell_is_refused(changes: dict[str, str], field: str) -> None:
    cells = cells_of(read(LISTS / "own.csv")[0])

    with pytest.raises(BrokenList) as refusal:
        entity_of({**cells, **changes})

    assert refusal.value.facts["field"] == field
