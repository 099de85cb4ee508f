import pytest
from uuid import uuid4
from apps.users.domain.roles import Role
from tests.users import test_access_matrix as m
from tests.users.world import DESKS, make_account, own_ids, visitor_of

@pytest.mark.django_db(databases=["default", "timescale"])
def test_tmp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(m, "REQUESTS", [r for r in m.REQUESTS if "workitem" in r])
    account = make_account()
    bad = []
    for role in ["ANONYMOUS", Role.CLIENT, Role.COMPLIANCE_OFFICER, Role.AUDITOR, Role.OPERATIONS, Role.COMPLIANCE_SUPERVISOR]:
        caller = visitor_of(role, account["client"])
        ids = {**account, **own_ids(caller.user), "app_label": "compliance"}
        bad += list(m.differences(role, caller, ids))
    assert bad == []
