"""OFAC's lists in the advanced XML form (SDN_ADVANCED.XML, CONS_ADVANCED.XML).

Source: US Treasury, "Advanced Sanctions Data Model": everything is said by references to sets of
values, places and documents that come first; the programmes of an entry come last.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from apps.compliance.providers import BrokenList, ListedEntity, ListedIdentifier
from apps.compliance.providers.files import ListFiles, local_name, value_of, values_of
from apps.compliance.providers.terms import (
    country_code,
    country_codes,
    day_of,
    gender_of,
    identifier_kind,
    identifiers_of,
    names_of,
    number_of,
    partial_date,
    texts_of,
    years_between,
)

SECTIONS = (
    *("ReferenceValueSets", "Location", "IDRegDocument", "DistinctParty"),
    *("ProfileRelationship", "SanctionsEntry", "SanctionsEntryLink"),
)
PROGRAMME = "Program"
FAMILY = ("Last Name", "Patronymic", "Matronymic", "Maiden Name")
Names = tuple[str, str, bool]


class OfacXml(ListFiles):
    """Read twice: the programmes stand after the parties that they belong to."""

    format = "OFAC_XML"
    # Both lists come in this form, and neither says which one it is before its last lines.
    default_code = ""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.passes = 2

    def issued(self) -> date | None:
        found = next(self.elements(self.paths[0], "DateOfIssue", SECTIONS[0]), None)
        return day_of(_date(found)) if found is not None else None

    def entities(self) -> Iterator[ListedEntity]:
        path = self.paths[0]
        words = _Words()
        for element in self.elements(path, *SECTIONS):
            words.learn(element)
        if not words.sets:
            raise BrokenList(f"{path.name} is no list of OFAC's.", file=path.name)
        for element in self.elements(path, *SECTIONS):
            if local_name(element) == "DistinctParty":
                yield _entity(element, words)


class _Words:
    """What the references of a party mean."""

    def __init__(self) -> None:
        self.sets: dict[str, dict[str, str]] = {}
        self.party_types: dict[str, str] = {}
        self.scripts: dict[str, str] = {}
        self.countries: dict[str, str] = {}
        self.places: dict[str, tuple[str, str]] = {}
        self.documents: dict[str, list[ListedIdentifier]] = defaultdict(list)
        self.programmes: dict[str, list[str]] = defaultdict(list)

    def learn(self, element: Any) -> None:
        match local_name(element):
            case "ReferenceValueSets":
                self._sets(element)
            case "Location":
                self._place(element)
            case "IDRegDocument":
                self._document(element)
            case "SanctionsEntry":
                profile = element.get("ProfileID", "")
                for measure in element.iterfind("{*}SanctionsMeasure"):
                    kind = self.word("SanctionsType", measure.get("SanctionsTypeID"))
                    if kind == PROGRAMME:
                        self.programmes[profile] += values_of(measure, "Comment")

    def word(self, name: str, reference: str | None) -> str:
        return self.sets.get(name, {}).get(reference or "", "")

    def _sets(self, element: Any) -> None:
        for values in element:
            for value in values:
                texts = self.sets.setdefault(local_name(value), {})
                texts[value.get("ID", "")] = " ".join((value.text or "").split())
                match local_name(value):
                    case "PartySubType":
                        self.party_types[value.get("ID", "")] = value.get("PartyTypeID", "")
                    case "Script":
                        self.scripts[value.get("ID", "")] = value.get("ScriptCode", "")
                    case "Country":
                        code = country_code(value.get("ISO2") or (value.text or "").strip())
                        self.countries[value.get("ID", "")] = code

    def _place(self, element: Any) -> None:
        country = element.find("{*}LocationCountry")
        code = self.countries.get(country.get("CountryID"), "") if country is not None else ""
        parts = values_of(element, "LocationPart", "LocationPartValue", "Value")
        name = self.word("Country", country.get("CountryID")) if country is not None else ""
        self.places[element.get("ID", "")] = (", ".join([*parts, name] if code else parts), code)

    def _document(self, element: Any) -> None:
        word = self.word("IDRegDocType", element.get("IDRegDocTypeID"))
        self.documents[element.get("IdentityID", "")].append(
            ListedIdentifier(
                identifier_kind(word),
                value_of(element, "IDRegistrationNo").removeprefix("IMO "),
                self.countries.get(element.get("IssuedBy-CountryID"), ""),
            )
        )


def _entity(element: Any, words: _Words) -> ListedEntity:
    uid = element.get("FixedRef", "")
    profile = element.find("{*}Profile")
    identities = [] if profile is None else list(profile.iterfind("{*}Identity"))
    names = names_of(name for identity in identities for name in _names(identity, words))
    if not uid or not names:
        raise BrokenList("An entry has no number or no name.", uid=uid)
    features = _Features(profile, words)
    kind = _kind(profile.get("PartySubTypeID", ""), words)
    nationalities = country_codes(
        [*features.countries("Nationality Country"), *features.countries("Citizenship Country")]
    )
    countries = [*features.countries("Location"), *features.texts("Vessel Flag")]
    remarks = value_of(element, "Comment") or value_of(profile, "Comment")
    return ListedEntity(
        uid=uid,
        kind=kind,
        names=names,
        programmes=texts_of(words.programmes.get(profile.get("ID", ""), ())),
        birth_dates=tuple(sorted(set(features.birth_dates()))),
        birth_places=texts_of(
            [*features.places("Place of Birth"), *features.texts("Place of Birth")]
        ),
        nationalities=nationalities if kind == "PERSON" else (),
        countries=tuple(sorted({*nationalities, *country_codes(countries)})),
        addresses=texts_of(features.places("Location")),
        gender=gender_of("".join([*features.texts("Gender")][:1])),
        identifiers=identifiers_of(
            [
                *(one for each in identities for one in words.documents.get(each.get("ID"), ())),
                *features.numbers(),
            ]
        ),
        remarks=remarks,
    )


def _kind(subtype: str, words: _Words) -> str:
    party = words.word("PartyType", words.party_types.get(subtype))
    if party == "Individual":
        return "PERSON"
    return {"Vessel": "VESSEL", "Aircraft": "AIRCRAFT"}.get(
        words.word("PartySubType", subtype), "ORGANISATION"
    )


def _names(identity: Any, words: _Words) -> Iterator[Names]:
    """Yield the names with their words in order: given names, then family names."""
    groups = {
        group.get("ID"): words.word("NamePartType", group.get("NamePartTypeID"))
        for group in identity.iterfind("{*}NamePartGroups/{*}MasterNamePartGroup/{*}NamePartGroup")
    }
    for alias in identity.iterfind("{*}Alias"):
        kind = "PRIMARY" if alias.get("Primary") == "true" else "ALIAS"
        if words.word("AliasType", alias.get("AliasTypeID")).startswith("F.K.A"):
            kind = "FORMER"
        for number, documented in enumerate(alias.iterfind("{*}DocumentedName")):
            parts = [
                (groups.get(value.get("NamePartGroupID"), ""), (value.text or "").strip())
                for value in documented.iterfind("{*}DocumentedNamePart/{*}NamePartValue")
            ]
            parts.sort(key=lambda part: part[0] in FAMILY)
            text = " ".join(text for _, text in parts)
            # The same name in other scripts follows the first writing.
            shown = kind if number == 0 or kind == "FORMER" else "ALIAS"
            yield text, shown, alias.get("LowQuality") == "true"


class _Features:
    """The features of a profile by the name of their type."""

    def __init__(self, profile: Any, words: _Words) -> None:
        self._words = words
        self._versions: dict[str, list[Any]] = defaultdict(list)
        for feature in profile.iterfind("{*}Feature"):
            name = words.word("FeatureType", feature.get("FeatureTypeID"))
            self._versions[name] += feature.iterfind("{*}FeatureVersion")

    def texts(self, name: str) -> Iterator[str]:
        for version in self._versions.get(name, ()):
            for detail in version.iterfind("{*}VersionDetail"):
                reference = detail.get("DetailReferenceID")
                yield self._words.word("DetailReference", reference) or (detail.text or "").strip()

    def places(self, name: str) -> Iterator[str]:
        yield from (place for place, _ in self._locations(name))

    def countries(self, name: str) -> Iterator[str]:
        yield from (country for _, country in self._locations(name))

    def birth_dates(self) -> Iterator[str]:
        """Yield the day where the period is one, else the years that it touches."""
        for version in self._versions.get("Birthdate", ()):
            for period in version.iterfind("{*}DatePeriod"):
                first = period.find("{*}Start/{*}From")
                last = period.find("{*}End/{*}To")
                if first is None:
                    continue
                start, end = _date(first), _date(last) if last is not None else ""
                if not end or end == start:
                    yield start
                elif start[:4] == end[:4]:
                    yield start[:7] if start[:7] == end[:7] else start[:4]
                else:
                    yield from years_between(start[:4], end[:4])

    def numbers(self) -> Iterator[ListedIdentifier]:
        for name in self._versions:
            kind = identifier_kind(name)
            if kind in {"WALLET", "CALL_SIGN", "MMSI", "AIRCRAFT", "BIC"}:
                yield from (ListedIdentifier(kind, text) for text in self.texts(name))

    def _locations(self, name: str) -> Iterator[tuple[str, str]]:
        for version in self._versions.get(name, ()):
            for location in version.iterfind("{*}VersionLocation"):
                yield self._words.places.get(location.get("LocationID", ""), ("", ""))


def _date(element: Any) -> str:
    return partial_date(*(number_of(value_of(element, part)) for part in ("Year", "Month", "Day")))
