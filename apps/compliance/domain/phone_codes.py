"""Which countries a telephone number may be of, by its calling code.

Source: ITU-T, "List of Recommendation ITU-T E.164 assigned country codes"; those of the countries
that the firm's clients are usually from.  An unknown code says nothing.
"""

import re

CODES = {
    "1": "US CA",
    "7": "RU KZ",
    "20": "EG",
    "27": "ZA",
    "30": "GR",
    "31": "NL",
    "32": "BE",
    "33": "FR",
    "34": "ES",
    "36": "HU",
    "39": "IT VA",
    "40": "RO",
    "41": "CH",
    "43": "AT",
    "44": "GB GG IM JE",
    "45": "DK",
    "46": "SE",
    "47": "NO",
    "48": "PL",
    "49": "DE",
    "52": "MX",
    "54": "AR",
    "55": "BR",
    "60": "MY",
    "61": "AU",
    "62": "ID",
    "63": "PH",
    "64": "NZ",
    "65": "SG",
    "66": "TH",
    "81": "JP",
    "82": "KR",
    "84": "VN",
    "86": "CN",
    "90": "TR",
    "91": "IN",
    "92": "PK",
    "98": "IR",
    "212": "MA",
    "234": "NG",
    "254": "KE",
    "351": "PT",
    "352": "LU",
    "353": "IE",
    "354": "IS",
    "356": "MT",
    "357": "CY",
    "358": "FI",
    "359": "BG",
    "370": "LT",
    "371": "LV",
    "372": "EE",
    "377": "MC",
    "380": "UA",
    "381": "RS",
    "385": "HR",
    "386": "SI",
    "420": "CZ",
    "421": "SK",
    "423": "LI",
    "852": "HK",
    "853": "MO",
    "886": "TW",
    "961": "LB",
    "966": "SA",
    "971": "AE",
    "972": "IL",
    "974": "QA",
}
LONGEST = 3


def phone_countries(number: str) -> frozenset[str]:
    """Return the countries of an international number (+ or 00 first); none where it says none."""
    match = re.match(r"(?:\+|00)([0-9]+)", re.sub(r"[\s()./-]", "", number))
    digits = match[1] if match else ""
    known = (CODES.get(digits[:length], "") for length in range(LONGEST, 0, -1))
    return frozenset(next(filter(None, known), "").split())
