"""Under which keys a word is filed and looked for, so that spelling mistakes lead to it."""

from collections.abc import Iterator, Sequence

from apps.compliance.domain.name_similarity import RUNS
from apps.compliance.domain.names import Token

# Shorter words are not looked for with a letter missing: too many would be alike.
LEAST_DELETED = 4


def runs(forms: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield neighbours that another spelling may write as one word."""
    return (run for _, run in placed_runs(forms))


def placed_runs(forms: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    for length in RUNS:
        for start in range(len(forms) - length + 1):
            yield start, forms[start : start + length]


def ways_of(token: Token) -> set[str]:
    """Return the keys under which a word is filed and looked for."""
    if token.number:
        return {token.form, f"number {token.number}"}
    ways = spellings(token.form)
    ways.add(f"folded {token.folded}")
    if len(token.sound) > 1:
        ways.add(f"sound {token.sound}")
    if len(token.skeleton) > 1:
        ways.add(f"bones {token.skeleton}")
    if token.symbols:
        ways |= {f"class {symbol}" for symbol in token.symbols}
    return ways


def spellings(form: str) -> set[str]:
    """Return the word itself and, of a longer one, what is left of it without one letter."""
    if len(form) < LEAST_DELETED:
        return {form}
    return {form, *(form[:i] + form[i + 1 :] for i in range(len(form)))}
