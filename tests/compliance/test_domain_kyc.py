from itertools import product

import pytest

from apps.compliance.domain.kyc import TRANSITIONS, KycStatus, KycTrigger, next_status
from apps.core.errors import IllegalTransition


@pytest.mark.parametrize(("pair", "reached"), TRANSITIONS.items())
def test_kyc_status_with_a_trigger_of_the_table_moves(
    pair: tuple[KycStatus, KycTrigger], reached: KycStatus
) -> None:
    assert next_status(*pair) == reached


@pytest.mark.parametrize(
    ("status", "trigger"),
    [pair for pair in product(KycStatus, KycTrigger) if pair not in TRANSITIONS],
)
def test_kyc_status_with_any_other_trigger_is_refused(
    status: KycStatus, trigger: KycTrigger
) -> None:
    with pytest.raises(IllegalTransition):
        next_status(status, trigger)
