"""Countries by ISO 3166-1 alpha-2 code, and how risky the firm rates them.

Sources: FATF, "High-Risk Jurisdictions subject to a Call for Action" and "Jurisdictions under
Increased Monitoring" (October 2025); OFAC's comprehensive embargoes (31 CFR 510, 515, 560).
"""

from functools import cache

from rigour.territories import get_territories

EMBARGOED = frozenset({"CU", "IR", "KP"})
CALL_FOR_ACTION = frozenset({"IR", "KP", "MM"})
INCREASED_MONITORING = frozenset(
    {
        *("AO", "BG", "BO", "CD", "CI", "CM", "DZ", "HT", "KE", "LA"),
        *("LB", "MC", "NA", "NP", "SS", "SY", "VE", "VG", "VN", "YE"),
    }
)


@cache
def countries() -> dict[str, str]:
    """Return name by upper-case two-letter code, sorted by name."""
    found = {
        territory.code.upper(): territory.name
        for territory in get_territories()
        if len(territory.code) == 2 and (territory.is_country or territory.is_jurisdiction)
        if not territory.is_historical and territory.code != "zz"
    }
    return dict(sorted(found.items(), key=lambda item: item[1]))


def geography_points(code: str) -> int:
    """Return 0 (ordinary) to 100 (call for action or embargo)."""
    if code in EMBARGOED | CALL_FOR_ACTION:
        return 100
    return 70 if code in INCREASED_MONITORING else 10
