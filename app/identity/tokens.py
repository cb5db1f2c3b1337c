"""Tokens of OpenID Connect providers: any provider by discovery, signatures by its published keys.

A token is believed if a configured issuer signed it (asymmetric algorithms only) for one of our audiences, and it is
in its time. Nothing that the token itself says about where keys are found is followed.

Sources: OpenID Connect Core 1.0 and Discovery 1.0; RFC 7519; RFC 8725 (JSON Web Token Best Current Practices).
"""

import ipaddress
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import jwt
import structlog

from app.errors import Busy, SetupFault, Unauthenticated

ALGORITHMS: Final = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    "EdDSA": "OKP",
}
"""Algorithms that are accepted, with the kind of key each needs. None shares a secret, and `none` is none of them."""
TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""What a token may call itself: others, such as logout tokens, say something else than who somebody is."""
LEEWAY_S: Final = 60
"""How far clocks may be apart [s]."""
RSA_BITS_MIN: Final = 2048
SUBJECT_MAX: Final = 255
KEYS_MAX: Final = 100
DOCUMENT_MAX: Final = 256_000
"""Largest document that a provider may answer with [byte]."""
TIMEOUT_S: Final = 5.0
"""Longest time for a document of a provider, from the first byte asked to the last one read [s]."""
FRESH_S: Final = 600.0
"""How long keys are used without asking again [s]."""
STALE_S: Final = 3600.0
"""How long keys are used while their provider gives no answer [s]."""
COOLDOWN_S: Final = 30.0
"""Shortest time between two questions to a provider, however many tokens name keys that it does not have [s]."""

Fetch = Callable[[str], Any]

log = structlog.get_logger()


@dataclass(frozen=True)
class Signed:
    """Who a provider says somebody is."""

    issuer: str
    subject: str
    name: str


class ProviderFault(Exception):
    """A provider gave no answer, or one that cannot be used."""


class Verifier:
    """Checks tokens of the configured providers. Safe for threads; may wait for a provider, so not for an event loop.

    issuers : base addresses, exactly as in the `iss` of tokens. audiences : what `aud` must name one of.

    Raises
    ------
    SetupFault
        If an issuer is not https (loopback excepted), or issuers are named without an audience.
    """

    def __init__(
        self,
        issuers: Sequence[str],
        audiences: Sequence[str],
        *,
        fetch: Fetch | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for issuer in issuers:
            if not _may_be_asked(issuer):
                raise SetupFault(
                    f"OBSERVATORY_OIDC_ISSUERS: {issuer} is not an https address (http only for loopback)."
                )
        if issuers and not audiences:
            raise SetupFault("OBSERVATORY_OIDC_AUDIENCES: name the audience that tokens for this service are made for.")
        self._audiences = list(audiences)
        self._providers = {issuer: _Provider(issuer, fetch or document, clock) for issuer in issuers}

    def verify(self, token: str) -> Signed:
        """Who the token speaks for.

        Raises
        ------
        Unauthenticated
            If it is not to be believed. The message never repeats any of it.
        Busy
            If its provider gives no answer and its keys are not known.
        """
        try:
            return self._verify(token)
        except jwt.ExpiredSignatureError:
            raise _refused("The token expired.") from None
        except jwt.ImmatureSignatureError:
            raise _refused("The token is not valid yet.") from None
        except jwt.InvalidAudienceError:
            raise _refused("The token was made for another audience.") from None
        except jwt.MissingRequiredClaimError as fault:
            raise _refused(f"The token lacks {fault.claim}.") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise _refused("The token is not valid.") from None

    def _verify(self, token: str) -> Signed:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise _refused("The token is not signed with an algorithm that is accepted.")
        if str(header.get("typ", "jwt")).lower() not in TYPES or "crit" in header:
            raise _refused("The token is of a kind that is not accepted.")
        said = jwt.decode(token, options={"verify_signature": False}).get("iss")
        provider = self._providers.get(said) if isinstance(said, str) else None
        if provider is None:
            raise _refused("The token was made by an issuer that is not accepted.")
        try:
            claims = self._claims(token, provider, header)
        except jwt.InvalidSignatureError:
            # A provider that gives its keys no ids, or the same ones again, may have new ones.
            if not provider.renewed():
                raise
            claims = self._claims(token, provider, header)
        if "cnf" in claims:
            raise _refused("The token is bound to a key that its bearer must prove to hold, which is not supported.")
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_MAX or not subject.isprintable():
            raise _refused("The token's subject is not usable.")
        return Signed(provider.issuer, subject, _name(claims))

    def _claims(self, token: str, provider: "_Provider", header: dict[str, Any]) -> dict[str, Any]:
        """What the token says, once its signature, issuer, audience and times are found right."""
        return jwt.decode(
            token,
            key=provider.key(header.get("kid"), header["alg"]),
            algorithms=[header["alg"]],
            audience=self._audiences,
            issuer=provider.issuer,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )


class _Provider:
    """One provider and its keys."""

    def __init__(self, issuer: str, fetch: Fetch, clock: Callable[[], float]) -> None:
        self.issuer = issuer
        self._fetch = fetch
        self._clock = clock
        self._keys: list[dict[str, Any]] = []
        self._fetched: float | None = None
        self._tried: float | None = None
        self._lock = threading.Lock()

    def key(self, kid: object, algorithm: str) -> Any:
        """The published key with that id, for that algorithm."""
        asked = self._clock()
        if self._age(asked) > FRESH_S:
            self._refresh(asked)
        found = self._pick(kid, algorithm)
        if found is None:
            # Keys change: one that we do not know may have come since we looked.
            self._refresh(asked)
            found = self._pick(kid, algorithm)
        if found is None:
            raise _refused("The token is signed with a key that its issuer does not publish.")
        return found

    def renewed(self) -> bool:
        """Whether the provider has other keys than a moment ago; asks it, unless that was done lately."""
        before = self._keys
        self._refresh(self._clock())
        return self._keys != before

    def _age(self, now: float) -> float:
        return float("inf") if self._fetched is None else now - self._fetched

    def _refresh(self, asked: float) -> None:
        """Ask the provider for its keys, one thread at a time and not too often; Busy where there are none to use."""
        if self._lock.acquire(timeout=TIMEOUT_S if self._age(asked) > STALE_S else 0):
            try:
                fetched_meanwhile = self._fetched is not None and self._fetched >= asked
                cooling = self._tried is not None and asked - self._tried < COOLDOWN_S
                if not fetched_meanwhile and not cooling:
                    self._tried = asked
                    self._keys = _published(self.issuer, self._fetch)
                    self._fetched = self._clock()
            except ProviderFault as fault:
                log.warning("provider", issuer=self.issuer, cause=str(fault))
            finally:
                self._lock.release()
        if self._age(asked) > STALE_S:
            raise Busy("The provider of this token gives no answer; try again in a moment.")

    def _pick(self, kid: object, algorithm: str) -> Any:
        """The key with that id; without an id, the only one that fits the algorithm."""
        fitting = [key for key in self._keys if _fits(key, algorithm) and kid in {None, key.get("kid")}]
        return jwt.PyJWK(fitting[0], algorithm).key if len(fitting) == 1 or (fitting and kid is not None) else None


def document(url: str) -> Any:
    """A JSON document of a provider: no redirect is followed, time and size are bounded."""
    end = time.monotonic() + TIMEOUT_S
    body = bytearray()
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    try:
        with (
            httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, headers=headers) as client,
            client.stream("GET", url) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise ProviderFault(f"{url} answers {answer.status_code}")
            for part in answer.iter_raw():
                body += part
                if len(body) > DOCUMENT_MAX or time.monotonic() > end:
                    raise ProviderFault(f"{url} answers with too much, or too slowly")
        return json.loads(body)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError) as fault:
        raise ProviderFault(f"{url}: {type(fault).__name__}") from fault


def _published(issuer: str, fetch: Fetch) -> list[dict[str, Any]]:
    """The keys that an issuer publishes for checking signatures."""
    found = fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if not isinstance(found, dict) or found.get("issuer") != issuer:
        raise ProviderFault("its discovery document names another issuer")
    address = found.get("jwks_uri")
    if not isinstance(address, str) or not _may_be_asked(address) or _scheme(address) != _scheme(issuer):
        raise ProviderFault("its discovery document names no usable jwks_uri")
    answer = fetch(address)
    listed = answer.get("keys") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        raise ProviderFault("its key set is not one")
    return [key for key in listed[:KEYS_MAX] if isinstance(key, dict) and _usable(key)]


def _usable(key: dict[str, Any]) -> bool:
    """Whether a published key is one for checking signatures, and strong enough."""
    if key.get("kty") not in ALGORITHMS.values() or "d" in key or key.get("use", "sig") != "sig":
        return False
    if not isinstance(key.get("kid", ""), str):
        return False
    modulus = key.get("n")
    return key["kty"] != "RSA" or (isinstance(modulus, str) and len(modulus.rstrip("=")) * 6 >= RSA_BITS_MIN)


def _fits(key: dict[str, Any], algorithm: str) -> bool:
    if key["kty"] != ALGORITHMS[algorithm] or key.get("alg", algorithm) != algorithm:
        return False
    curve = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}.get(algorithm)
    return curve is None or key.get("crv") == curve


def _may_be_asked(url: str) -> bool:
    """Whether an address is https, or http on this very machine, without user, query or fragment."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        parts.port  # noqa: B018 - a port that is no number raises here
    except ValueError:
        return False
    if not host or parts.username is not None or parts.query or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _loopback(host))


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _scheme(url: str) -> str:
    return urlsplit(url).scheme


def _name(claims: dict[str, Any]) -> str:
    """What to call the person: what the provider says, as far as it can be shown."""
    for claim in ("name", "preferred_username"):
        said = claims.get(claim)
        if isinstance(said, str):
            shown = "".join(c for c in said if c.isprintable()).strip()[:200]
            if shown:
                return shown
    return "Unnamed person"


def _refused(message: str) -> Unauthenticated:
    return Unauthenticated(message, invalid=True)
