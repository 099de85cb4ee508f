from types import SimpleNamespace

import pytest

from apps.compliance.domain.kyc import KycStatus
from apps.compliance.gates import check_client_cleared, check_kyc_approved
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

    check_kyc_approved(SimpleNamespace(client_id=client_user.id))
    check_client_cleared(client_user.id)


@pytest.mark.parametrize("status", sorted({status.value for status in KycStatus} - CLEARED))
def test_gates_for_any_other_client_refuse_by_code(client_user: User, status: str) -> None:
    make_kyc(client_user, status)

    with pytest.raises(Refused) as refusal:
        check_client_cleared(client_user.id)

    assert refusal.value.code == ("account_frozen" if status in FROZEN else "kyc_not_approved")


def test_gates_for_a_client_without_a_record_refuse(client_user: User) -> None:
    with pytest.raises(Refused) as refusal:
        check_kyc_approved(SimpleNamespace(client_id=client_user.id))

    assert refusal.value.code == "kyc_not_approved"
