"""Tax identification numbers, checked by python-stdnum where it knows the country's kind."""

import importlib
import re

from apps.core.errors import InvalidInput

# The numbers that a natural person has, by country; one module's validate() must accept it.
MODULES = {
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
OTHER = re.compile(r"[A-Z0-9]{4,25}")


def tax_number_clean(country: str, number: str) -> str:
    """Return the number in its compact form; raises InvalidInput when it cannot be one.

    A country without a known kind takes 4 to 25 letters and digits.
    """
    paths = MODULES.get(country, "").split()
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
