"""OpenID Connect, the code flow with PKCE: what is asked of an identity provider, and believed.

allauth's own client checks neither the nonce nor, after the token endpoint, the signature of the
ID token.  Here every ID token is checked in full (OpenID Connect Core 3.1.3.7), and nothing but
the ID token is believed.
"""

import json
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import requests
from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge
from django.conf import settings
from django.core.cache import cache
from requests.auth import HTTPBasicAuth

from apps.core.errors import Unavailable

CONNECT_SECONDS, READ_SECONDS = 3, 5
ANSWER_BYTES = 256 * 1024
DISCOVERY_SECONDS = 600
TOKEN_SECONDS = 600
LEEWAY_SECONDS = 30
# Signatures by a key pair only: neither `none`, nor a secret that is shared.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
CLAIMS = ("iss", "aud", "sub", "exp", "iat", "nonce")


class OidcRefused(Exception):
    """What came back proves nothing; the text is for the log."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Whom the provider vouches for; `email` is empty unless the provider has verified it."""

    subject: str
    email: str


@dataclass(frozen=True, kw_only=True)
class Handshake:
    """Where to send the browser, and what has to be remembered until it comes back."""

    params: dict[str, str]
    nonce: str
    verifier: str


class OidcClient:
    """One provider of the settings; `redirect_uri` is the only address that answers come to."""

    def __init__(self, config: dict[str, str], *, redirect_uri: str) -> None:
        self.config, self.redirect_uri = config, redirect_uri

    def begin(self) -> Handshake:
        """Make a nonce and a PKCE pair, and return what the authorisation request says."""
        nonce, pkce = secrets.token_urlsafe(32), generate_code_challenge()
        params = {
            "response_type": "code",
            "client_id": self.config["client_id"],
            "redirect_uri": self.redirect_uri,
            "scope": "openid email",
            "nonce": nonce,
            "code_challenge": pkce["code_challenge"].decode(),
            "code_challenge_method": pkce["code_challenge_method"],
        }
        return Handshake(params=params, nonce=nonce, verifier=pkce["code_verifier"])

    def authorize_url(self, handshake: Handshake, state: str) -> str:
        """Return where the browser goes.  Raises Unavailable, OidcRefused."""
        address = self._endpoint("authorization_endpoint")
        joint = "&" if "?" in address else "?"
        return f"{address}{joint}{urlencode({**handshake.params, 'state': state})}"

    def finish(self, *, code: str, issuer: str, nonce: str, verifier: str) -> Identity:
        """Turn the code into an identity.  Raises Unavailable, OidcRefused.

        `issuer` is the parameter of RFC 9207, by which an answer of another provider is noticed.
        """
        announces = self._discovery().get("authorization_response_iss_parameter_supported")
        if (issuer or announces) and issuer != self.config["issuer"]:
            raise OidcRefused("answer of another issuer")
        answer = self._ask(
            "POST",
            self._endpoint("token_endpoint"),
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.redirect_uri,
                "code_verifier": verifier,
                **self._secret_in_form(),
            },
            auth=self._secret_in_header(),
        )
        claims = self._claims(str(answer.get("id_token", "")))
        if not secrets.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
            raise OidcRefused("wrong nonce")
        subject, email = claims["sub"], claims.get("email")
        if not isinstance(subject, str) or not subject or len(subject) > 255:
            raise OidcRefused("no subject")
        # Exactly true: some providers send the word "false".
        is_verified = claims.get("email_verified") is True and isinstance(email, str)
        return Identity(subject=subject, email=str(email).lower() if is_verified else "")

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise OidcRefused("wrong algorithm")
            keys = jwt.PyJWKSet.from_dict(self._ask("GET", self._endpoint("jwks_uri")))
            fitting = [key for key in keys.keys if key.key_id == header.get("kid")]
            if len(fitting) != 1:
                raise OidcRefused("unknown key")
            claims: dict[str, Any] = jwt.decode(
                token,
                key=fitting[0],
                algorithms=ALGORITHMS,
                audience=self.config["client_id"],
                issuer=self.config["issuer"],
                leeway=LEEWAY_SECONDS,
                options={"require": list(CLAIMS), "verify_iat": True},
            )
        except jwt.PyJWTError as error:
            raise OidcRefused(type(error).__name__) from error
        audience = claims["aud"]
        is_shared = isinstance(audience, list) and len(audience) > 1
        if (
            claims.get("azp", None if is_shared else self.config["client_id"])
            != (self.config["client_id"])
        ):
            raise OidcRefused("made for somebody else")
        if claims["exp"] - claims["iat"] > 24 * 3600:
            raise OidcRefused("valid for too long")
        return claims

    def _discovery(self) -> dict[str, Any]:
        issuer = self.config["issuer"]
        key = f"oidc:{issuer}"
        found: dict[str, Any] | None = cache.get(key)
        if found is None:
            path = "/.well-known/openid-configuration"
            found = self._ask("GET", issuer.rstrip("/") + path)
            if found.get("issuer") != issuer:
                raise OidcRefused("discovery of another issuer")
            cache.set(key, found, DISCOVERY_SECONDS)
        return found

    def _endpoint(self, name: str) -> str:
        address = str(self._discovery().get(name, ""))
        # As safe as the issuer itself, which the settings have checked.
        if urlsplit(address).scheme not in {"https", urlsplit(self.config["issuer"]).scheme}:
            raise OidcRefused(f"no safe {name}")
        return address

    def _uses_form(self) -> bool:
        basic = "client_secret_basic"
        return basic not in self._discovery().get("token_endpoint_auth_methods_supported", [basic])

    def _secret_in_form(self) -> dict[str, str]:
        names = ("client_id", "client_secret")
        return {name: self.config[name] for name in names} if self._uses_form() else {}

    def _secret_in_header(self) -> HTTPBasicAuth | None:
        if self._uses_form():
            return None
        encoded = urlencode({"i": self.config["client_id"], "s": self.config["client_secret"]})
        name, secret = (part.partition("=")[2] for part in encoded.split("&"))
        return HTTPBasicAuth(name, secret)

    def _ask(self, method: str, url: str, **fields: Any) -> dict[str, Any]:
        """Return the JSON object that the provider answers with; bounded in time and size."""
        try:
            with requests.Session() as session:
                session.trust_env = False
                with session.request(
                    method,
                    url,
                    timeout=(CONNECT_SECONDS, READ_SECONDS),
                    allow_redirects=False,
                    stream=True,
                    verify=settings.OUTBOUND_CA_FILE or True,
                    headers={"Accept": "application/json"},
                    **fields,
                ) as answer:
                    status = answer.status_code
                    body = answer.raw.read(ANSWER_BYTES + 1, decode_content=True)
        except (requests.RequestException, OSError) as error:
            raise _down() from error
        if status >= 500:
            raise _down()
        if status != 200 or len(body) > ANSWER_BYTES:
            raise OidcRefused(f"answered {status}")
        try:
            found = json.loads(body)
        except ValueError as error:
            raise OidcRefused("no JSON") from error
        if not isinstance(found, dict):
            raise OidcRefused("no JSON object")
        return found


def _down() -> Unavailable:
    return Unavailable("The identity provider does not answer.", code="provider_unavailable")
