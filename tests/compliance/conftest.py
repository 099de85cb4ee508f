"""Fixtures of the compliance tests."""

import pytest

from apps.compliance.domain.matching import matcher_load


@pytest.fixture(autouse=True, scope="session")
def _load_matcher() -> None:
    """Load the matcher's dictionaries (seconds) before any transaction is open."""
    matcher_load()
