import os
import secrets
import stat
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection, transaction
from django.db.utils import DatabaseError
from moto.server import ThreadedMotoServer
from pytest_django.fixtures import Settings

from apps.core.errors import Unavailable
from apps.infrastructure import keys
from apps.infrastructure.encryption import DecryptionError, decrypt_bytes, encrypt_bytes
from apps.infrastructure.models import DataKey
from apps.infrastructure.providers import aws_kms
from apps.infrastructure.providers.key_encryption import KeyEncryption, KeyRefused, provider
from apps.infrastructure.providers.pkcs11_token import TokenKeys
from apps.infrastructure.resilience import breaker

SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")
pytestmark = pytest.mark.django_db


def file_url(folder: Path) -> str:
    return f"file://{folder}/keys"


def token_url(folder: Path) -> str:
    if not SOFTHSM.exists():
        pytest.skip(f"{SOFTHSM} is missing: apt-get install softhsm2")
    (folder / "pin").write_text("4321\n")
    label = f"test-{secrets.token_hex(4)}"
    subprocess.run(
        [
            *("softhsm2-util", "--init-token", "--free", "--label", label),
            *("--so-pin", "12345678", "--pin", "4321"),
        ],
        check=True,
        capture_output=True,
    )
    pkcs11.lib(str(SOFTHSM)).reinitialize()  # it lists the tokens once
    return f"pkcs11:token={label};object=kek?module-path={SOFTHSM}&pin-source=file:{folder}/pin"


@pytest.fixture(scope="session")
def _softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One token folder for the process: the library reads its configuration once."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(
        f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        yield


@pytest.fixture(scope="session")
def kms_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture(params=["file", "pkcs11", "aws-kms"])
def keeper(request: Any, tmp_path: Path, settings: Settings) -> KeyEncryption:
    """Each provider in turn, with its first key made."""
    match request.param:
        case "file":
            url = file_url(tmp_path)
        case "pkcs11":
            request.getfixturevalue("_softhsm")
            url = token_url(tmp_path)
        case _:
            endpoint = request.getfixturevalue("kms_endpoint")
            name = f"alias/t{secrets.token_hex(4)}"
            url = f"aws-kms:{name}?region=eu-central-1&endpoint={endpoint}"
    settings.KMS_URL = url
    kept = provider(url)
    kept.prepare()
    return kept


def test_provider_unwraps_what_it_wrapped_for_that_label_only(keeper: KeyEncryption) -> None:
    key = secrets.token_bytes(32)
    kek_id, wrapped = keeper.wrap(key, label="kyc:1:ab")

    assert kek_id == keeper.current()
    assert kek_id.startswith(keeper.prefix)
    assert key not in wrapped
    assert keeper.unwrap(wrapped, kek_id=kek_id, label="kyc:1:ab") == key
    altered = wrapped[:-1] + bytes([wrapped[-1] ^ 1])
    for token, name, label in (
        (wrapped, kek_id, "kyc:2:ab"),
        (altered, kek_id, "kyc:1:ab"),
        (b"short", kek_id, "kyc:1:ab"),
        (wrapped, f"{kek_id[:-4]}9999", "kyc:1:ab"),
    ):
        with pytest.raises(KeyRefused):
            keeper.unwrap(token, kek_id=name, label=label)


def test_provider_rotated_wraps_with_the_new_and_unwraps_the_old(keeper: KeyEncryption) -> None:
    old_id, wrapped = keeper.wrap(bytes(32), label="x")
    new_id = keeper.rotate()
    keeper.prepare()

    assert new_id == keeper.current() == keeper.wrap(bytes(32), label="x")[0] != old_id
    assert keeper.unwrap(wrapped, kek_id=old_id, label="x") == bytes(32)


def test_provider_carries_a_value_of_a_data_class(keeper: KeyEncryption) -> None:
    data_class = f"t{secrets.token_hex(4)}"
    token = encrypt_bytes(b"x", context="t.c:1", data_class=data_class)
    row = DataKey.objects.get(data_class=data_class)
    keys.forget()

    assert row.kek_id == keeper.current()
    assert decrypt_bytes(token, context="t.c:1") == b"x"


@pytest.mark.usefixtures("_softhsm")
def test_token_is_opened_again_in_a_forked_process(tmp_path: Path) -> None:
    kept = provider(token_url(tmp_path))
    kept.prepare()
    kek_id, wrapped = kept.wrap(bytes(32), label="x")
    child = os.fork()
    if child == 0:
        right = kept.unwrap(wrapped, kek_id=kek_id, label="x") == bytes(32)
        os._exit(0 if right else 1)

    assert os.waitpid(child, 0)[1] == 0
    assert kept.unwrap(wrapped, kek_id=kek_id, label="x") == bytes(32)


@pytest.mark.usefixtures("_softhsm")
def test_token_key_cannot_be_taken_out(tmp_path: Path) -> None:
    kept = TokenKeys(token_url(tmp_path))
    kept.prepare()
    key = kept._key(kept._open(), "kek-0001")

    with pytest.raises(pkcs11.exceptions.AttributeSensitive):
        _ = key[pkcs11.Attribute.VALUE]


def test_key_service_that_is_down_makes_values_unavailable_and_opens_the_breaker(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    settings.KMS_URL = "aws-kms:alias/none?region=eu-central-1&endpoint=http://127.0.0.1:9"
    data_class = f"t{secrets.token_hex(4)}"
    try:
        for _ in range(2):
            with pytest.raises(Unavailable):
                encrypt_bytes(b"x", context="t.c:1", data_class=data_class)
        assert breaker("keys").current_state == "open"
    finally:
        breaker("keys").close()
    assert not DataKey.objects.filter(data_class=data_class).exists()


def test_data_key_of_a_class_is_made_once_by_many_at_once(settings: Settings) -> None:
    data_class = f"t{secrets.token_hex(4)}"

    def use(number: int) -> bytes:
        try:
            return encrypt_bytes(b"x", context=f"t.c:{number}", data_class=data_class)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(use, range(16)))
    keys.forget()

    assert DataKey.objects.filter(data_class=data_class).count() == 1
    for number, token in enumerate(tokens):
        assert decrypt_bytes(token, context=f"t.c:{number}") == b"x"


def test_data_key_outlives_the_transaction_that_made_it(settings: Settings) -> None:
    data_class = f"t{secrets.token_hex(4)}"
    with transaction.atomic():
        token = encrypt_bytes(b"x", context="t.c:1", data_class=data_class)
        transaction.set_rollback(True)
    keys.forget()

    assert decrypt_bytes(token, context="t.c:1") == b"x"


def test_data_key_is_held_for_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    data_class = f"t{secrets.token_hex(4)}"
    token = encrypt_bytes(b"x", context="t.c:1", data_class=data_class)
    asked: list[object] = []
    original = keys.asked

    def counted(ask: Any) -> Any:
        asked.append(ask)
        return original(ask)

    monkeypatch.setattr(keys, "asked", counted)
    decrypt_bytes(token, context="t.c:1")
    assert not asked

    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + keys.KEY_SECONDS + 1)
    decrypt_bytes(token, context="t.c:1")
    assert len(asked) == 1


def test_data_key_is_current_from_the_question_on_however_slow_the_provider_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rotation waits for VERSION_SECONDS: nobody may hold an old version as current longer."""
    unwrap = keys._unwrap

    def slowly(row: DataKey) -> bytes:
        time.sleep(0.3)
        return unwrap(row)

    monkeypatch.setattr(keys, "VERSION_SECONDS", 0.2)
    monkeypatch.setattr(keys, "_unwrap", slowly)
    asked_at = time.monotonic()
    encrypt_bytes(b"x", context="t.c:1")

    assert keys._current["personal"][1] <= asked_at + 0.25


def test_data_key_wrapped_for_another_class_or_altered_is_refused() -> None:
    classes = [f"t{secrets.token_hex(4)}" for _ in range(2)]
    token, _ = (encrypt_bytes(b"x", context="t.c:1", data_class=name) for name in classes)
    first, second = (DataKey.objects.get(data_class=name) for name in classes)
    DataKey.objects.filter(pk=first.pk).update(wrapped=second.wrapped)
    keys.forget()

    with pytest.raises(DecryptionError):
        decrypt_bytes(token, context="t.c:1")


def test_data_key_cannot_be_deleted() -> None:
    encrypt_bytes(b"x", context="t.c:1")

    with pytest.raises(DatabaseError, match="are kept"), transaction.atomic():
        DataKey.objects.all().delete()


def test_keys_on_first_use_are_made_for_this_user_only(settings: Settings, tmp_path: Path) -> None:
    settings.KMS_URL = file_url(tmp_path)
    encrypt_bytes(b"x", context="t.c", data_class=f"t{secrets.token_hex(4)}")

    files = list((tmp_path / "keys").iterdir())
    assert [file.name for file in files] == ["kek-0001.key"]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


def test_keys_outside_the_embedded_default_are_never_made_by_use(
    settings: Settings, tmp_path: Path
) -> None:
    settings.KMS_URL, settings.EMBEDDED = file_url(tmp_path), False
    data_class = f"t{secrets.token_hex(4)}"

    with pytest.raises(ImproperlyConfigured, match="keys_create"):
        encrypt_bytes(b"x", context="t.c", data_class=data_class)
    assert list(tmp_path.iterdir()) == []

    call_command("keys_create", stdout=None)
    breaker("keys").close()
    token = encrypt_bytes(b"x", context="t.c", data_class=data_class)
    assert decrypt_bytes(token, context="t.c") == b"x"


def test_key_is_on_the_disk_before_anything_can_be_wrapped_by_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A key that a power failure takes would take all that was wrapped by it."""
    done: list[str] = []
    fsync, link = os.fsync, os.link

    def synced(descriptor: int) -> None:
        fsync(descriptor)
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        done.append("folder" if is_folder else f"{os.fstat(descriptor).st_size} bytes")

    def linked(source: Path, target: Path) -> None:
        link(source, target)
        done.append("name")

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "link", linked)
    provider(file_url(tmp_path)).prepare()

    assert done == ["32 bytes", "name", "folder"]


@pytest.mark.parametrize(("mode", "content"), [(0o644, bytes(32)), (0o600, b"short")])
def test_keys_that_others_can_read_or_of_wrong_length_are_refused(
    settings: Settings, tmp_path: Path, mode: int, content: bytes
) -> None:
    settings.KMS_URL = f"file://{tmp_path}"
    (tmp_path / "kek-0001.key").write_bytes(content)
    (tmp_path / "kek-0001.key").chmod(mode)

    with pytest.raises(ImproperlyConfigured):
        encrypt_bytes(b"x", context="t.c", data_class=f"t{secrets.token_hex(4)}")


@pytest.mark.parametrize(
    "url",
    [
        *("vault://here", "file:", "pkcs11:token=a", "aws-kms:alias/x", "aws-kms:x?region=y"),
        "pkcs11:token=a;object=b?module-path=/x",
    ],
)
def test_keys_of_an_unusable_address_are_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"KMS_URL|address"):
        provider(url)


def test_kms_call_has_short_time_outs_and_no_repeats_of_its_own(kms_endpoint: str) -> None:
    client = aws_kms._client_of(os.getpid(), "eu-central-1", kms_endpoint)

    assert client.meta.config.connect_timeout <= 2
    assert client.meta.config.retries["total_max_attempts"] == 1
