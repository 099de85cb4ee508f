from types import SimpleNamespace

import pytest
from django.utils import timezone

from apps.compliance.domain.kyc import REDUCING, KycStatus
from apps.compliance.gates import check_client_cleared, check_kyc_approved
from apps.compliance.models import KycRecord
from apps.core.errors import Refused
from apps.users.models import User
from tests.compliance.factories import make_kyc

pytestmark = pytest.mark.django_db
CLEARED = {"APPROVED", "UNDER_REVIEW"}
FROZEN = {"SUSPENDED", "CLOSED"}


@pytest.fixture
def client_user() -> User:
    return User.objects.create_user("c@example.org")


@pytest.mark.parametrize("status", sorted(CLEARED))
def test_gates_for_a_cleared_client_pass(client_user: User, status: str) -> None:
    make_kyc(client_user, status)

    check_kyc_approved(SimpleNamespace(client_id=client_user.id, side="BUY"))
    check_client_cleared(client_user.id)


@pytest.mark.parametrize("status", sorted({status.value for status in KycStatus} - CLEARED))
def test_gates_for_any_other_client_refuse_by_code(client_user: User, status: str) -> None:
    make_kyc(client_user, status)

    with pytest.raises(Refused) as refusal:
        check_client_cleared(client_user.id)

    assert refusal.value.code == ("account_frozen" if status in FROZEN else "kyc_not_approved")


def test_gates_for_a_client_without_a_record_refuse(client_user: User) -> None:
    with pytest.raises(Refused) as refusal:
        check_kyc_approved(SimpleNamespace(client_id=client_user.id, side="BUY"))

    assert refusal.value.code == "kyc_not_approved"


def test_gates_show_the_state_as_the_client_is_told_it(client_user: User) -> None:
    make_kyc(client_user, "UNDER_REVIEW")

    assert check_client_cleared(client_user.id) == "APPROVED"


@pytest.mark.parametrize("status", sorted(REDUCING))
def test_gate_lets_a_former_client_sell_and_nothing_else(client_user: User, status: str) -> None:
    record = make_kyc(client_user, status)
    sale = SimpleNamespace(client_id=client_user.id, side="SELL")
    with pytest.raises(Refused):
        check_kyc_approved(sale)
    record.approved_at = timezone.now()
    record.save()

    check_kyc_approved(sale)

    with pytest.raises(Refused):
        check_kyc_approved(SimpleNamespace(client_id=client_user.id, side="BUY"))
    # A true match in the middle of a renewal leaves nothing to sell.
    KycRecord.objects.update(risk_rating="PROHIBITED")
    with pytest.raises(Refused):
        check_kyc_approved(sale)
    with pytest.raises(Refused):
        check_client_cleared(client_user.id)
