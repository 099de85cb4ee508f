"""Tax identification numbers, checked by python-stdnum where it knows the country's kind."""

import importlib
import re

from apps.core.errors import InvalidInput

# The numbers that a natural person has, by country; one module's validate() must accept it.
PERSONS = {
    "AT": "at.tin",
    "AU": "au.tfn",
    "BE": "be.nn",
    "BR": "br.cpf",
    "CA": "ca.sin",
    "CH": "ch.ssn",
    "DE": "de.idnr",
    "DK": "dk.cpr",
    "ES": "es.nif",
    "FI": "fi.hetu",
    "FR": "fr.nif",
    "GB": "gb.utr",
    "IE": "ie.pps",
    "IL": "il.idnr",
    "IN": "in_.pan",
    "IT": "it.codicefiscale",
    "KR": "kr.rrn",
    "MX": "mx.rfc",
    "NL": "nl.bsn",
    "NO": "no.fodselsnummer",
    "NZ": "nz.ird",
    "PL": "pl.pesel",
    "PT": "pt.nif",
    "SE": "se.personnummer",
    "US": "us.ssn us.itin",
    "ZA": "za.tin",
}
# Those of companies, trusts and foundations.
ENTITIES = {
    "AT": "at.uid at.tin",
    "AU": "au.tfn au.abn",
    "BE": "be.vat",
    "BR": "br.cnpj",
    "CA": "ca.bn",
    "CH": "ch.uid",
    "DE": "de.stnr de.vat",
    "DK": "dk.cvr",
    "ES": "es.nif",
    "FI": "fi.ytunnus",
    "FR": "fr.siren fr.siret",
    "GB": "gb.utr",
    "IE": "ie.vat",
    "IL": "il.hp",
    "IN": "in_.pan",
    "IT": "it.iva",
    "KR": "kr.brn",
    "LU": "lu.tva",
    "MX": "mx.rfc",
    "NL": "nl.bsn nl.btw",
    "NO": "no.orgnr",
    "NZ": "nz.ird",
    "PL": "pl.nip",
    "PT": "pt.nif",
    "SE": "se.orgnr",
    "US": "us.ein",
    "ZA": "za.tin",
}
OTHER = re.compile(r"[A-Z0-9]{4,25}")


def tax_number_clean(country: str | None, number: str, *, is_entity: bool = False) -> str:
    """Return the number in its compact form; raises InvalidInput when it cannot be one.

    A country without a known kind, or none, takes 4 to 25 letters and digits.
    """
    paths = (ENTITIES if is_entity else PERSONS).get(country or "", "").split()
    for path in paths:
        module = importlib.import_module(f"stdnum.{path}")
        if module.is_valid(number):
            return str(module.compact(number))
    if paths:
        raise InvalidInput(
            "This is not a valid tax identification number of that country.", field="tin"
        )
    compact = re.sub(r"[\s./-]", "", number).upper()
    if not OTHER.fullmatch(compact):
        raise InvalidInput("A tax number has 4 to 25 letters and digits.", field="tin")
    return compact
