"""The state machine of `stateful.py`: 2,000 steps here, as many as wanted by `machine.py`."""

import os

import pytest
from django.db import connections
from hypothesis import HealthCheck
from hypothesis import settings as effort
from hypothesis.stateful import run_state_machine_as_test
from pytest_django import Settings

from tests.trading.factories import set_limit
from tests.trading.stateful import DONE, Machine

STEPS_A_SEQUENCE = 100


@pytest.mark.django_db(databases=["default", "timescale"])
def test_books_after_any_commands_agree_with_the_model(settings: Settings) -> None:
    settings.CASH_CHECKS = []
    set_limit("PRICE_COLLAR", "1")
    set_limit("POSITION_CONCENTRATION", None)
    for alias in ("default", "timescale"):
        with connections[alias].cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    DONE.clear()
    steps = int(os.environ.get("MACHINE_STEPS", "2000"))

    run_state_machine_as_test(
        Machine,
        settings=effort(
            # Some sequences end early: a quarter more of them make the steps.
            max_examples=max(1, steps * 5 // (4 * STEPS_A_SEQUENCE)),
            stateful_step_count=STEPS_A_SEQUENCE,
            deadline=None,
            derandomize="MACHINE_STEPS" not in os.environ,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

    assert DONE["steps"] >= steps
    assert DONE["fills"] > steps / 50, "some steps must trade"
    assert DONE["fees"] > steps / 500, "some months must be charged"
