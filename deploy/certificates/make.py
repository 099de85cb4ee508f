"""Make a private authority and one certificate a service, for a trial or a closed network.

    python deploy/certificates/make.py FOLDER --public-host stratford.example

Every service gets a folder of its own with its certificate, its key and the authority's
certificate, so that a container is given nothing of the others.  The authority's key stays in
FOLDER/authority and belongs on no server.  A firm with an authority of its own puts that one's
certificates under the same names instead.
"""

import argparse
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 1825
LEAF_DAYS = 397
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
# What each certificate may be used for.  `web` asks its own readiness, so it is both; `app` opens
# the connections to Redis and MongoDB; `nginx` is how the proxy shows itself to `web`.
SERVICES: dict[str, tuple[x509.ObjectIdentifier, ...]] = {
    "public": (SERVER,),
    "nginx": (CLIENT,),
    "web": (SERVER, CLIENT),
    "app": (CLIENT,),
    "postgres": (SERVER,),
    "timescale": (SERVER,),
    "redis": (SERVER, CLIENT),
    "mongo": (SERVER, CLIENT),
}
# A replica asks itself under the machine's own name.
ALSO = {"web": ("localhost",)}
# The application's image runs as this user; the servers' own images start as root.
APPLICATION_UID = 10001
OWNED = ("web", "app")


@dataclass(frozen=True)
class Authority:
    """A private authority: who holds its key can issue certificates that all services believe."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def _name(common_name: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Stratford")
    return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=days))
    )


def authority_create() -> Authority:
    """Return a new authority that may sign leaves and nothing below them."""
    key, name = ec.generate_private_key(ec.SECP256R1()), _name("Stratford private authority")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(name, AUTHORITY_DAYS)
        .issuer_name(name)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def certificate_issue(
    authority: Authority, hosts: list[str], usages: tuple[x509.ObjectIdentifier, ...]
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Return a certificate for the hosts (the first is its name) and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    certificate = (
        _builder(_name(hosts[0]), LEAF_DAYS)
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False
        )
        .add_extension(issuer_key, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return certificate, key


def _write(path: Path, content: bytes, mode: int) -> None:
    path.touch(mode=mode)
    path.chmod(mode)
    path.write_bytes(content)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def write_all(folder: Path, *, public_host: str, also: tuple[str, ...]) -> None:
    """Write the authority and every service's folder; `also` are more names of each server.

    Raises FileExistsError when the folder has an authority: nothing is ever replaced.
    """
    authority = authority_create()
    pem = serialization.Encoding.PEM
    home = folder / "authority"
    home.mkdir(mode=0o700, parents=True)
    _write(home / "ca.key", _private_pem(authority.key), 0o600)
    _write(home / "ca.crt", authority.certificate.public_bytes(pem), 0o644)
    for service, usages in SERVICES.items():
        hosts = [public_host if service == "public" else service, *ALSO.get(service, ()), *also]
        certificate, key = certificate_issue(authority, hosts, usages)
        home = folder / service
        home.mkdir(mode=0o755)
        chain, private = certificate.public_bytes(pem), _private_pem(key)
        _write(home / "ca.crt", authority.certificate.public_bytes(pem), 0o644)
        _write(home / "tls.crt", chain, 0o644)
        _write(home / "tls.key", private, 0o600)
        _write(home / "tls.pem", chain + private, 0o600)
        if service in OWNED and os.geteuid() == 0:
            os.chown(home / "tls.key", APPLICATION_UID, -1)
            os.chown(home / "tls.pem", APPLICATION_UID, -1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make an authority and a trial's certificates.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--public-host", required=True, help="the name in the public address")
    parser.add_argument("--also", action="append", default=[], help="one more name of each server")
    chosen = parser.parse_args()
    write_all(chosen.folder, public_host=chosen.public_host, also=tuple(chosen.also))


if __name__ == "__main__":
    main()
