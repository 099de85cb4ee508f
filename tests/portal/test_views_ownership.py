"""The pages for an entity's owners and controllers."""

import re

import pytest
from django.test import Client

from apps.compliance.selectors.ownership import ownership_of
from apps.users.models import User
from tests.compliance.factories import PERSON

pytestmark = pytest.mark.django_db


def test_owners_are_named_given_holdings_and_taken_out(pages: Client, user: User) -> None:
    assert pages.get("/verification/owners/").status_code == 422
    assert pages.post("/verification/kind/", {"kind": "ENTITY"}).status_code == 302
    assert "Owners and controllers" in pages.get("/verification/").content.decode()
    form = pages.get("/verification/owners/new/person/").content.decode()
    action = re.search(r'action="(/verification/owners/[0-9a-f-]{36}/)"', form)
    assert action
    person = {**PERSON, "kind": "PERSON", "is_signatory": "yes", "capacity": "Director"}

    for _ in range(2):
        assert pages.post(action[1], person).status_code == 302
    assert len(ownership_of(user.pk).parties) == 1
    party = ownership_of(user.pk).parties[0]
    form = pages.get("/verification/holdings/new/").content.decode()
    holding = re.search(r'action="(/verification/holdings/[0-9a-f-]{36}/)"', form)
    assert holding
    too_much = {"owner": party.id, "owned": "ENTITY", "shares": "101"}
    assert pages.post(holding[1], too_much).status_code == 400
    assert pages.post(holding[1], {**too_much, "shares": "50.5"}).status_code == 302
    page = pages.get("/verification/owners/").content.decode()
    for text in ("Grace Hopper", "50.5 %", "<svg", "Still needed"):
        assert text in page
    assert 'value="50.5"' in pages.get(holding[1]).content.decode()
    assert pages.post(holding[1], {"remove": "yes"}).status_code == 302
    assert pages.post(action[1], {"remove": "yes"}).status_code == 302
    assert not ownership_of(user.pk).parties
    assert pages.get(action[1]).status_code == 404
    assert pages.get("/verification/owners/new/ship/").status_code == 404
