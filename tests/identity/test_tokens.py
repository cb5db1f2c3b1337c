"""Which tokens are believed: by keys made here, and a provider that answers what each test wants."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from app.errors import Busy, SetupFault, Unauthenticated
from app.identity import tokens
from app.identity.tokens import ProviderFault, Signed, Verifier

ISSUER = "https://login.example.org/realms/soil"
AUDIENCE = "soil-health-observatory"
RSA = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505 - what is to be refused
CURVE = ec.generate_private_key(ec.SECP256R1())
EDWARDS = ed25519.Ed25519PrivateKey.generate()


def public(key: Any, kid: str | None = "one", **more: Any) -> dict[str, Any]:
    algorithm: Any = {
        rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm,
        ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm,
        ed25519.Ed25519PrivateKey: jwt.algorithms.OKPAlgorithm,
    }
    kind = next(v for k, v in algorithm.items() if isinstance(key, k))
    return {**json.loads(kind.to_jwk(key.public_key())), **({"kid": kid} if kid else {}), **more}


@dataclass
class World:
    """A provider, a clock, and a verifier that asks both."""

    keys: list[Any] = field(default_factory=lambda: [public(RSA)])
    discovery: Any = field(default_factory=lambda: {"issuer": ISSUER, "jwks_uri": "https://login.example.org/keys"})
    now: float = 1000.0
    asked: list[str] = field(default_factory=list)
    down: bool = False

    def __post_init__(self) -> None:
        self.verifier = Verifier([ISSUER], [AUDIENCE], fetch=self.fetch, clock=lambda: self.now)

    def fetch(self, url: str) -> Any:
        self.asked.append(url)
        if self.down:
            raise ProviderFault("down")
        return self.discovery if url.endswith("openid-configuration") else {"keys": self.keys}

    @property
    def questions(self) -> int:
        return sum(url.endswith("openid-configuration") for url in self.asked)

    def verify(self, token: str) -> Signed:
        return self.verifier.verify(token)


def made(key: Any = RSA, algorithm: str = "RS256", *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    said = {"iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "exp": time.time() + 300, "name": "Alice", **claims}
    return jwt.encode(
        {k: v for k, v in said.items() if v is not ...},
        key,
        algorithm=algorithm,
        headers={"kid": "one", **(header or {})},
    )


def parts(header: dict[str, Any], claims: dict[str, Any] | bytes, signature: bytes = b"") -> str:
    shown = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return b".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=") for part in (json.dumps(header).encode(), shown, signature)
    ).decode()


@pytest.fixture
def world() -> World:
    return World()


def test_proper_token_says_who_it_is(world: World):
    assert world.verify(made()) == Signed(ISSUER, "alice", "Alice")


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(RSA, "RS256"), (RSA, "RS512"), (RSA, "PS256"), (CURVE, "ES256"), (EDWARDS, "EdDSA")],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_each_kind_of_signature_is_checked_with_its_kind_of_key(key: Any, algorithm: str):
    world = World(keys=[public(RSA, "r"), public(CURVE, "e"), public(EDWARDS, "d")])
    kid = {"R": "r", "P": "r", "E": "e"}[algorithm[0]] if algorithm != "EdDSA" else "d"
    assert world.verify(made(key, algorithm, header={"kid": kid})).subject == "alice"
    with pytest.raises(Unauthenticated):
        world.verify(made(key, algorithm, header={"kid": "e" if kid != "e" else "r"}))


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"exp": 1}, "expired"),
        ({"exp": time.time() - 120}, "expired"),
        ({"exp": ...}, "lacks exp"),
        ({"exp": "soon"}, "not valid"),
        ({"exp": float("inf")}, "not valid"),
        ({"nbf": time.time() + 3600}, "not valid yet"),
        ({"iat": time.time() + 3600}, "not valid yet"),
        ({"aud": "another-service"}, "another audience"),
        ({"aud": ["a", "b"]}, "another audience"),
        ({"aud": ...}, "lacks aud"),
        ({"aud": {"soil-health-observatory": 1}}, "not valid|audience"),
        ({"iss": "https://evil.example"}, "issuer that is not accepted"),
        ({"iss": ISSUER + "/"}, "issuer that is not accepted"),
        ({"iss": ...}, "issuer that is not accepted"),
        ({"sub": ...}, "lacks sub"),
        ({"sub": ""}, "subject"),
        ({"sub": "a\x00b"}, "subject"),
        ({"sub": "x" * 256}, "subject"),
        ({"cnf": {"jkt": "x"}}, "bound to a key"),
    ],
)
def test_token_with_a_wrong_claim_is_refused_and_told_why(world: World, claims: dict[str, Any], said: str):
    with pytest.raises(Unauthenticated, match=said) as refused:
        world.verify(made(**claims))
    assert refused.value.invalid


def test_clocks_may_be_a_minute_apart(world: World):
    assert world.verify(made(exp=time.time() - 30)).subject == "alice"
    assert world.verify(made(nbf=time.time() + 30)).subject == "alice"


def test_one_of_several_audiences_is_enough(world: World):
    assert world.verify(made(aud=["other", AUDIENCE])).subject == "alice"


def test_signature_of_another_key_is_refused(world: World):
    with pytest.raises(Unauthenticated, match="not valid"):
        world.verify(made(OTHER))


def test_changed_claim_is_refused(world: World):
    head, _, sign = made().split(".")
    claims = {"iss": ISSUER, "sub": "mallory", "aud": AUDIENCE, "exp": time.time() + 300}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(Unauthenticated):
        world.verify(f"{head}.{body}.{sign}")


CLAIMS = {"iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "exp": time.time() + 3000}


@pytest.mark.parametrize("name", ["none", "None", "NONE", "", "HS256", "hs256", "RS256 ", ["RS256"], {"a": 1}, None, 7])
def test_algorithm_that_is_none_of_the_asymmetric_ones_is_refused(world: World, name: Any):
    with pytest.raises(Unauthenticated):
        world.verify(parts({"alg": name, "kid": "one", "typ": "JWT"}, CLAIMS))
    assert world.asked == []


def test_public_key_is_never_taken_as_a_shared_secret(world: World):
    import hashlib
    import hmac

    pem = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for name in ("HS256", "RS256"):
        unsigned = parts({"alg": name, "kid": "one", "typ": "JWT"}, CLAIMS)[:-1]
        sign = hmac.new(pem, unsigned.encode(), hashlib.sha256).digest()
        with pytest.raises(Unauthenticated):
            world.verify(unsigned + "." + base64.urlsafe_b64encode(sign).rstrip(b"=").decode())


def test_addresses_and_keys_inside_a_token_are_never_followed(world: World):
    header = {"jku": "https://evil.example/keys", "x5u": "https://evil.example/x", "jwk": public(OTHER)}
    with pytest.raises(Unauthenticated):
        world.verify(made(OTHER, header=header))
    assert all(url.startswith("https://login.example.org/") for url in world.asked)


@pytest.mark.parametrize("header", [{"typ": "logout+jwt"}, {"typ": "secevent+jwt"}, {"crit": ["exp"]}])
def test_token_of_another_kind_is_refused(world: World, header: dict[str, Any]):
    with pytest.raises(Unauthenticated, match=r"kind|not valid"):
        world.verify(made(header=header))


def test_access_token_by_its_type_is_taken(world: World):
    assert world.verify(made(header={"typ": "at+JWT"})).subject == "alice"


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "a.b",
        "é.é.é",
        "\ud800.x.y",
        parts({"alg": "RS256"}, b"[" * 5000),
        parts({"alg": "RS256"}, b"7"),
    ],
    ids=range(9),
)
def test_what_is_no_token_is_refused_without_asking_anybody(world: World, token: str):
    with pytest.raises(Unauthenticated):
        world.verify(token)
    assert world.asked == []


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [public(WEAK)],
        [public(RSA, use="enc")],
        [public(RSA, alg="RS512")],
        [{"kty": "oct", "k": "c2VjcmV0", "kid": "one"}],
        [{**public(RSA), "d": "AQ"}],
        [7, None, "key"],
        [{"kty": "RSA", "kid": "one", "n": "!", "e": "AQAB"}],
        [{"kty": "RSA", "kid": ["one"]}],
        [public(CURVE)],
    ],
    ids=range(10),
)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_key_that_is_not_for_this_or_too_weak_is_not_used(keys: list[Any]):
    with pytest.raises(Unauthenticated):
        World(keys=keys).verify(made(WEAK if keys and keys[0] == public(WEAK) else RSA))


def test_token_without_a_key_id_needs_the_only_key(world: World):
    bare = jwt.encode(jwt.decode(made(), options={"verify_signature": False}), RSA, algorithm="RS256")
    assert world.verify(bare).subject == "alice"
    two = World(keys=[public(RSA), public(OTHER, "two")])
    with pytest.raises(Unauthenticated, match="does not publish"):
        two.verify(bare)


# --- Asking the provider --------------------------------------------------------------------------------------------


def test_keys_are_kept_and_asked_for_again_when_they_grow_old(world: World):
    for _ in range(5):
        world.verify(made())
    assert world.questions == 1
    world.now += tokens.FRESH_S + 1
    world.verify(made())
    assert world.questions == 2


def test_new_key_is_found_and_the_old_one_ends(world: World):
    old = made()
    world.verify(old)
    world.keys = [public(OTHER, "two")]
    world.now += tokens.COOLDOWN_S + 1
    assert world.verify(made(OTHER, header={"kid": "two"})).subject == "alice"
    with pytest.raises(Unauthenticated, match="does not publish"):
        world.verify(old)


def test_new_key_under_the_same_id_is_found(world: World):
    world.verify(made())
    world.keys = [public(OTHER)]
    world.now += tokens.COOLDOWN_S + 1
    assert world.verify(made(OTHER)).subject == "alice"


def test_forged_key_ids_make_no_flood_of_questions(world: World):
    for i in range(200):
        with pytest.raises(Unauthenticated):
            world.verify(made(OTHER, header={"kid": f"x{i}"}))
        with pytest.raises(Unauthenticated):
            world.verify(made(OTHER))
        world.now += 0.1
    assert world.questions <= 2


def test_provider_that_is_down_leaves_its_keys_valid_for_an_hour(world: World):
    world.verify(made())
    world.down = True
    world.now += tokens.STALE_S - 10
    assert world.verify(made()).subject == "alice"
    world.now += 20
    with pytest.raises(Busy):
        world.verify(made())
    world.down = False
    world.now += tokens.COOLDOWN_S
    assert world.verify(made()).subject == "alice"


def test_provider_that_was_never_there_is_busy_and_not_asked_by_every_request(world: World):
    world.down = True
    for _ in range(10):
        with pytest.raises(Busy):
            world.verify(made())
    assert world.questions == 1


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://evil.example", "jwks_uri": "https://login.example.org/keys"},
        {"issuer": ISSUER + "/", "jwks_uri": "https://login.example.org/keys"},
        {"issuer": ISSUER},
        {"issuer": ISSUER, "jwks_uri": "http://login.example.org/keys"},
        {"issuer": ISSUER, "jwks_uri": "http://127.0.0.1/keys"},
        {"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"},
        {"issuer": ISSUER, "jwks_uri": 7},
        [],
        None,
    ],
    ids=range(9),
)
def test_discovery_document_that_is_not_the_issuers_is_not_used(discovery: Any):
    world = World(discovery=discovery)
    with pytest.raises(Busy):
        world.verify(made())
    assert len(world.asked) == 1


def test_one_slow_answer_is_waited_for_by_one_thread_where_keys_are_known(world: World):
    from threading import Event

    world.verify(made())
    world.now += tokens.FRESH_S + 1
    asked, go = Event(), Event()
    answer: Callable[[str], Any] = world.fetch

    def slow(url: str) -> Any:
        asked.set()
        assert go.wait(30)
        return answer(url)

    world.verifier._providers[ISSUER]._fetch = slow
    first = Thread(target=world.verify, args=(made(),))
    first.start()
    assert asked.wait(30)
    assert world.verify(made()).subject == "alice"  # the others go on with the keys they have
    go.set()
    first.join(30)


@pytest.mark.parametrize(
    "issuer",
    [
        "http://login.example.org",
        "ftp://x",
        "login.example.org",
        "https://user:p@x",
        "https://x?y",
        "https://x#y",
        "http://[::1",
        "https://x:port",
        "",
    ],
)
def test_issuer_that_is_not_safe_to_ask_is_refused_at_the_start(issuer: str):
    with pytest.raises(SetupFault, match="OBSERVATORY_OIDC_ISSUERS"):
        Verifier([issuer], [AUDIENCE])


def test_issuer_without_audience_is_refused_at_the_start():
    with pytest.raises(SetupFault, match="OBSERVATORY_OIDC_AUDIENCES"):
        Verifier([ISSUER], [])


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "  Zoë \u202eλ\x00 "}, "Zoë λ"),
        ({"name": 7, "preferred_username": "zoe"}, "zoe"),
        ({"name": "\x00"}, "Unnamed person"),
        ({"name": "x" * 500}, "x" * 200),
    ],
)
def test_name_is_what_can_be_shown(world: World, claims: dict[str, Any], name: str):
    assert world.verify(made(**claims)).name == name
