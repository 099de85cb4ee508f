"""Fixtures of the compliance tests."""

import pytest

from apps.compliance.domain.matching import name_similarity


@pytest.fixture(autouse=True, scope="session")
def _load_matcher() -> None:
    """Load the matcher's dictionaries (seconds) before any transaction is open."""
    name_similarity("Ada Lovelace", "Lovelace Ada", "PERSON")
