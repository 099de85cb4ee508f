"""Which TLS is spoken at the edge and inside, and to whom."""

import http.client
import socket
import ssl
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from stratford.embedded import BASE_DIR
from tests.deploy.conftest import HOST, Site, answering, running_nginx
from tests.e2e.demo import free_port

FORWARD_SECRET = ("ECDHE-", "TLS_")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_asvs_v12_1_2_agreed_suite_is_forward_secret_and_authenticated(
    site: Site, version: ssl.TLSVersion
) -> None:
    context = site.context()
    context.minimum_version = context.maximum_version = version
    with site.connect(context) as connection:
        suite = connection.cipher()
    assert suite is not None
    assert suite[0].startswith(FORWARD_SECRET)
    assert "GCM" in suite[0] or "CHACHA20" in suite[0]


@pytest.mark.parametrize(
    "offered",
    [
        # No forward secrecy: the key exchange rests on the certificate's own key.
        *("kRSA", "AES256-GCM-SHA384", "PSK"),
        # Forward-secret, but not authenticated encryption, or broken, or anonymous.
        *("ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "AECDH", "eNULL", "DHE+AES"),
    ],
)
def test_asvs_v12_1_2_weak_suite_is_refused(site: Site, offered: str) -> None:
    context = site.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{offered}:@SECLEVEL=0")

    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        site.connect(context)


@pytest.mark.parametrize("name", ["TLSv1", "TLSv1_1"])
@pytest.mark.parametrize("port", ["https", "web"])
def test_asvs_v12_1_2_old_version_is_refused(site: Site, name: str, port: str) -> None:
    context = site.context("nginx")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion[name]
    raw = socket.create_connection(("127.0.0.1", getattr(site, port)), timeout=5)

    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        context.wrap_socket(raw, server_hostname=HOST if port == "https" else "web")


def test_asvs_v12_1_2_inside_too_only_forward_secret_suites(site: Site) -> None:
    context = site.context("nginx")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("kRSA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    raw = socket.create_connection(("127.0.0.1", site.web), timeout=5)

    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        context.wrap_socket(raw, server_hostname="web")


def ask_replica(site: Site, context: ssl.SSLContext) -> int:
    """Ask the replica itself, past the proxy, and return the status."""
    connection = http.client.HTTPSConnection("127.0.0.1", site.web, context=context, timeout=5)
    try:
        connection.request("GET", "/livez", headers={"Host": "web"})
        return connection.getresponse().status
    finally:
        connection.close()


REFUSED = (ssl.SSLError, ConnectionResetError, http.client.RemoteDisconnected, BrokenPipeError)


def test_asvs_v12_3_5_replica_answers_the_proxy(site: Site) -> None:
    assert ask_replica(site, site.context("nginx")) == 200


def test_asvs_v12_3_5_replica_refuses_whoever_shows_no_certificate(site: Site) -> None:
    with pytest.raises(REFUSED):
        ask_replica(site, site.context())


def test_asvs_v12_3_5_replica_refuses_a_certificate_of_another_authority(site: Site) -> None:
    context = site.context()
    foreign = site.foreign / "nginx"
    context.load_cert_chain(foreign / "tls.crt", foreign / "tls.key")

    with pytest.raises(REFUSED):
        ask_replica(site, context)


def test_asvs_v12_3_5_replica_refuses_a_servers_certificate_as_a_clients(site: Site) -> None:
    with pytest.raises(REFUSED):
        ask_replica(site, site.context("postgres"))


def test_asvs_v12_3_5_replica_refuses_plain_http(site: Site) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.web, timeout=5)
    connection.request("GET", "/livez")
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        connection.getresponse()
    connection.close()


@pytest.mark.parametrize(
    ("owner", "status"), [("web", b"200"), ("foreign", b"502"), ("redis", b"502")]
)
def test_asvs_v12_3_5_proxy_believes_nobody_but_web(
    certificates: Path, foreign_certificates: Path, tmp_path: Path, owner: str, status: bytes
) -> None:
    home = foreign_certificates / "web" if owner == "foreign" else certificates / owner
    # The foreign one shows another authority's certificate and would take anybody's.
    with answering(home) as port:
        log = tmp_path / "nginx.log"
        site = Site(free_port(), free_port(), port, certificates, foreign_certificates, log)
        with running_nginx(tmp_path, site):
            answer = site.send(f"GET /livez HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 " + status), answer


@pytest.mark.parametrize(("owner", "code"), [("ours", 0), ("foreign", 1)])
def test_readiness_is_asked_over_mutual_tls(
    certificates: Path, foreign_certificates: Path, owner: str, code: int
) -> None:
    believed = certificates / "web"
    shown = believed if owner == "ours" else foreign_certificates / "web"
    with answering(shown) as port:
        command = [sys.executable, str(BASE_DIR / "deploy" / "readiness.py"), str(port)]
        asked = subprocess.run([*command, str(believed)], capture_output=True, check=False)

    assert (asked.returncode, asked.stderr) == (code, b"")


def test_keys_are_for_their_owner_only(certificates: Path) -> None:
    modes = {path.stat().st_mode & 0o077 for path in certificates.rglob("*.key")}
    modes |= {path.stat().st_mode & 0o077 for path in certificates.rglob("*.pem")}

    assert modes == {0}
