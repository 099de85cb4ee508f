"""Addresses that a user names: none that points inside, and none but the one that was checked."""

import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from prometheus_client import REGISTRY
from pytest_django import Settings

from apps.core.errors import InvalidInput, Refused
from apps.infrastructure import outbound
from apps.infrastructure.outbound import Broken, Target, Unreachable, post, target_of
from tests.infrastructure.outbound_server import Receiver, never_agreeing, receiving

LOOPBACK = ["127.0.0.0/8"]


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let names resolve to these addresses, one answer a question; return what was asked."""
    asked: list[str] = []
    left = list(answers)

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        try:
            ip_address(host)
        except ValueError:
            asked.append(host)
            addresses = left.pop(0) if len(left) > 1 else left[0]
        else:
            addresses = [host]
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, port, 0, 0) if ":" in address else (address, port),
            )
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


INSIDE = [
    *("127.0.0.1", "127.1.2.3", "0.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16"),
    *("224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1"),
    *("::1", "::", "fe80::1", "fe80::1%lo", "fd00:ec2::254", "fc00::1", "fec0::1", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1"),
    *("64:ff9b:1::a00:1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "100::1"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_asvs_v1_3_6_name_of_an_inside_address_is_refused(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    resolving(monkeypatch, [address])
    before = REGISTRY.get_sample_value("security_events_total", {"event": "outbound.refused"})

    with pytest.raises(Refused) as refusal:
        target_of("https://hooks.example/x")

    assert refusal.value.code == "outbound_inside"
    after = REGISTRY.get_sample_value("security_events_total", {"event": "outbound.refused"})
    assert (after or 0) == (before or 0) + 1


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/", "https://[::1]/", "https://2130706433/", "https://0x7f.1/"),
        *("https://0177.0.0.1/", "https://127.1/", "https://localhost/", "https://[::]:8443/"),
        *("https://[::ffff:7f00:1]/", "https://0/"),
    ],
)
def test_asvs_v1_3_6_spellings_of_this_machine_are_refused(url: str) -> None:
    with pytest.raises((Refused, Unreachable)) as refusal:
        target_of(url)
    if isinstance(refusal.value, Refused):
        assert refusal.value.code == "outbound_inside"


def test_asvs_v1_3_6_name_with_one_inside_address_among_others_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolving(monkeypatch, ["93.184.215.14", "10.0.0.1"])
    with pytest.raises(Refused):
        target_of("https://hooks.example/")


def test_public_name_over_tls_is_a_target_and_over_plain_http_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolving(monkeypatch, ["93.184.215.14", "2606:2800:21f:cb07::1"])
    target = target_of("https://hooks.example/in?x=1")
    assert (target.port, target.path) == (443, "/in?x=1")
    assert target.addresses == ("93.184.215.14", "2606:2800:21f:cb07::1")
    with pytest.raises(Refused):
        target_of("http://hooks.example/")


@pytest.mark.parametrize(
    "url",
    [
        *("", "hooks.example", "ftp://hooks.example/", "file:///etc/passwd", "gopher://x/_"),
        *("https://", "https:///x", "https://user:pw@hooks.example/", "https://@hooks.example/"),
        *("https://hooks.example/#x", "https://hooks.example:22/", "https://hooks.example:0/"),
        *("https://hooks.example:99999/", "https://hooks.example/\r\nX: 1", "https://a b/"),
        *("https://hööks.example/", "https://hooks.example\\@evil/", "https://[::1/", "//x/y"),
        "https://hooks.example/" + "x" * 500,
    ],
)
def test_what_is_no_plain_web_address_is_bad_input(url: str) -> None:
    with pytest.raises(InvalidInput):
        target_of(url)


def test_asvs_v1_3_6_name_that_moves_inside_afterwards_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.OUTBOUND_INSIDE = ["127.0.0.2/32"]
    asked = resolving(monkeypatch, ["127.0.0.2"], ["127.0.0.1"])
    with receiving(Receiver()) as receiver:
        target = target_of(receiver.url("rebind.example"))
        with pytest.raises(Unreachable):
            post(target, b"{}", {})
        assert receiver.received == []
    assert asked == ["rebind.example"], "the name was asked for once"
    with pytest.raises(Refused):
        target_of("http://rebind.example/")


def test_asvs_v1_3_6_redirect_is_an_answer_and_is_not_followed(settings: Settings) -> None:
    settings.OUTBOUND_INSIDE = LOOPBACK
    inside = Receiver()
    with receiving(inside), receiving(Receiver(statuses=[302])) as receiver:
        receiver.headers = {"Location": inside.url()}
        assert post(target_of(receiver.url()), b"{}", {}) == 302
    assert len(receiver.received) == 1
    assert inside.received == []


def test_call_sends_body_headers_and_host_as_given(settings: Settings) -> None:
    settings.OUTBOUND_INSIDE = LOOPBACK
    with receiving(Receiver()) as receiver:
        status = post(target_of(receiver.url("localhost", "/a?b=1")), b'{"a":1}', {"X-One": "1"})
    (path, headers, body) = receiver.received[0]
    assert (status, path, body) == (200, "/a?b=1", b'{"a":1}')
    assert (headers["X-One"], headers["Host"]) == ("1", f"localhost:{receiver.port}")


@pytest.mark.parametrize("drips_body", [False, True])
def test_answer_that_drips_is_cut_off(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, drips_body: bool
) -> None:
    settings.OUTBOUND_INSIDE = LOOPBACK
    monkeypatch.setattr(outbound, "TOTAL_SECONDS", 0.3)
    with receiving(Receiver(drip_seconds=1.5, drips_body=drips_body)) as receiver:
        started_at = time.monotonic()
        with pytest.raises(Broken):
            post(target_of(receiver.url()), b"{}", {})
        assert time.monotonic() - started_at < 0.9


def test_handshake_that_drips_and_many_addresses_take_no_longer_together(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OUTBOUND_INSIDE = LOOPBACK
    monkeypatch.setattr(outbound, "TOTAL_SECONDS", 0.5)
    with never_agreeing(seconds=4) as port:
        url = outbound.url_check(f"https://127.0.0.1:{port}/")
        started_at = time.monotonic()
        with pytest.raises(Unreachable):
            post(Target(url=url, addresses=("127.0.0.1",) * 50), b"{}", {})
        assert time.monotonic() - started_at < 1.5


def test_endless_answer_is_read_to_its_bound_only(settings: Settings) -> None:
    settings.OUTBOUND_INSIDE = LOOPBACK
    with receiving(Receiver(answer=b"x" * 20_000_000)) as receiver:
        started_at = time.monotonic()
        assert post(target_of(receiver.url()), b"{}", {}) == 200
        assert time.monotonic() - started_at < 2


def test_port_where_nobody_listens_is_unreachable(settings: Settings) -> None:
    settings.OUTBOUND_INSIDE = LOOPBACK
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(Unreachable):
            post(target_of(f"http://127.0.0.1:{port}/"), b"{}", {})


def certificate(folder: Path, name: str) -> Path:
    """Write a self-signed certificate for the name, with its key, into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_tls_is_checked_against_the_name_at_the_pinned_address(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.OUTBOUND_INSIDE = LOOPBACK
    path = certificate(tmp_path, "hooks.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    resolving(monkeypatch, ["127.0.0.1"])
    with receiving(Receiver(), context) as receiver:
        good = target_of(receiver.url("hooks.example", scheme="https"))
        with pytest.raises(Unreachable):
            post(good, b"{}", {})
        settings.OUTBOUND_CA_FILE = str(path)
        assert post(good, b"{}", {}) == 200
        with pytest.raises(Unreachable):
            post(target_of(receiver.url("other.example", scheme="https")), b"{}", {})
    assert len(receiver.received) == 1


def test_target_without_a_path_asks_for_the_root() -> None:
    target = Target(url=outbound.url_check("https://hooks.example"), addresses=("93.184.215.14",))
    assert (target.path, target.port) == ("/", 443)
