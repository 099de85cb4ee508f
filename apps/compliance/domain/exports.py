"""Cells for spreadsheets that a spreadsheet will not run."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_cell(value: object) -> str:
    """Return the value as text; one that could start a formula gets an apostrophe before it.

    Source: OWASP, CSV Injection.
    """
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text
