"""How often somebody may ask: by address, and by key once the key has proved to be one. Pure ASGI, memory bounded.

An unknown credential earns nothing: requests count against the address until the key behind them was found valid,
and addresses that keep sending wrong ones are refused before the database is asked. So neither guessing keys nor
inventing one per request gets around a limit. Limits hold per process.
"""

import hashlib
import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.identity import keys
from app.identity.buckets import Buckets, Policy, Taken
from app.routers import deps
from app.routers.account_schemas import Limits
from app.routers.accounts import PAGE_MAX
from app.routers.bodies import VALUES_MAX
from app.routers.deps import OFFSET_MAX, Here
from app.routers.identity import CREDENTIAL_MAX
from app.routers.problems import problem
from app.settings import Settings

FREE: Final = frozenset({"/healthz", "/readyz"})
"""Probes of operators are never counted."""
FILES: Final = ("/uploads", "/validate")
"""Where files come in."""
KNOWN_MAX: Final = 20_000
KNOWN_S: Final = 3600.0
"""How long it is remembered that a credential was found valid, or wrong [s]."""
IPV6_PREFIX: Final = 64
"""What one customer of a network gets: single addresses in it cost nothing."""

APPLIES: Final = {
    "reads": "GET and HEAD",
    "control": "POST, PUT, PATCH and DELETE, files excepted",
    "uploads": "POST of files to /uploads and /validate",
    "failures": "different keys and tokens that were refused, by address",
}


class Gate:
    """The policies of the service, who used how much of them, and which credentials were found valid."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self.on = settings.rate_limits
        self.clock = clock
        self.reads = Policy("reads", settings.reads_per_minute, 60)
        self.control = Policy("control", settings.control_per_minute, 60)
        self.uploads = Policy("uploads", settings.uploads_per_hour, 3600)
        self.failures = Policy("failures", settings.failures_per_hour, 3600)
        self.buckets = Buckets()
        self._known: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        self._wrong: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def policies(self) -> tuple[Policy, ...]:
        """All of them."""
        return self.reads, self.control, self.uploads, self.failures

    def policy(self, method: str, path: str) -> Policy:
        """What a request counts as."""
        if method in {"GET", "HEAD", "OPTIONS"}:
            return self.reads
        return self.uploads if method == "POST" and path in FILES else self.control

    def take(self, policy: Policy, subject: str, *, cost: int = 1) -> Taken:
        """Count a request; with cost 0 only look."""
        return self.buckets.take(policy, subject, self.clock(), cost=cost)

    def recognise(self, credential: str, subject: str) -> None:
        """A credential was found valid: its requests count as the subject's from now on."""
        with self._lock:
            self._known[_digest(credential)] = (subject, self.clock())
            self._known.move_to_end(_digest(credential))
            if len(self._known) > KNOWN_MAX:
                self._known.popitem(last=False)

    def failed(self, credential: str, address: str) -> None:
        """A credential was refused. A program that keeps sending its expired key guesses nothing: it counts once."""
        digest, now = _digest(credential), self.clock()
        with self._lock:
            self._known.pop(digest, None)
            before = self._wrong.get(digest)
            self._wrong[digest] = now
            self._wrong.move_to_end(digest)
            if len(self._wrong) > KNOWN_MAX:
                self._wrong.popitem(last=False)
        if before is None or now - before > KNOWN_S:
            self.take(self.failures, address)

    def known(self, credential: str) -> str | None:
        """Whose a credential is, if it was found valid lately."""
        if len(credential) > CREDENTIAL_MAX:
            return None
        with self._lock:
            subject, since = self._known.get(_digest(credential), ("", 0.0))
        return subject if subject and self.clock() - since < KNOWN_S else None


def _digest(credential: str) -> bytes:
    return hashlib.sha256(credential.encode("utf-8", "surrogateescape")).digest()


class Limiter:
    """Refuses with 429 what is over a limit, and tells in each answer what is left."""

    def __init__(self, app: ASGIApp, *, gate: Gate) -> None:
        self.app = app
        self.gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        gate = self.gate
        if scope["type"] != "http" or not gate.on or scope["path"] in FREE:
            await self.app(scope, receive, send)
            return
        sent = Headers(scope=scope).get("authorization")
        credential = sent.partition(" ")[2].strip() if sent is not None else None
        address = _address(scope)
        subject = gate.known(credential) if credential else None
        policy = gate.policy(scope["method"], scope["path"])
        taken = gate.take(policy, subject or address)
        if taken.allowed and sent is not None and subject is None:
            failed = gate.take(gate.failures, address, cost=0)
            if not failed.allowed:
                policy, taken = gate.failures, failed
        if not taken.allowed:
            await _refusal(scope["path"], policy, taken)(scope, receive, send)
            return

        async def reply(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] == HTTPStatus.UNAUTHORIZED and sent is not None:
                    gate.failed(credential or sent, address)
                out = MutableHeaders(scope=message)
                for name, value in _fields(policy, taken).items():
                    out[name] = value
            await send(message)

        await self.app(scope, receive, reply)


def _address(scope: Scope) -> str:
    """Who sends, as far as the network tells. Behind a proxy the server has put the client's address here."""
    client = scope.get("client")
    if not client:
        return "address unknown"
    try:
        found = ipaddress.ip_address(client[0].partition("%")[0])
    except ValueError:
        return f"address {client[0]}"
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    if isinstance(found, ipaddress.IPv6Address):
        return f"address {ipaddress.ip_network((found, IPV6_PREFIX), strict=False)}"
    return f"address {found}"


def _fields(policy: Policy, taken: Taken) -> dict[str, str]:
    """RateLimit fields as of draft-ietf-httpapi-ratelimit-headers-10."""
    return {
        "RateLimit-Policy": f'"{policy.name}";q={policy.quota};w={policy.window_s}',
        "RateLimit": f'"{policy.name}";r={taken.remaining};t={taken.reset_s}',
    }


def _refusal(path: str, policy: Policy, taken: Taken) -> ASGIApp:
    what = "Too many wrong keys or tokens" if policy.name == "failures" else f"Too many requests ({policy.name})"
    return problem(
        path,
        HTTPStatus.TOO_MANY_REQUESTS,
        "too-many-requests",
        f"{what}: at most {policy.quota} in {policy.window_s} s. Try again in {taken.wait_s} s; /limits shows all limits.",
        headers={"Retry-After": str(taken.wait_s), **_fields(policy, taken)},
    )


router = APIRouter(tags=["landing"])


@router.get("/limits", summary="Limits of the service")
def get_limits(request: Request, here: Here) -> Limits:
    """All limits, as this service is configured: rates, sizes, times, pages and keys."""
    deps.only(request)
    settings = here.settings
    gate: Gate = request.app.state.gate
    return {
        "rates": [
            {
                "policy": policy.name,
                "applies_to": APPLIES[policy.name],
                "requests": policy.quota,
                "window_s": policy.window_s,
                "by": "address" if policy is gate.failures else "key, or address without one",
            }
            for policy in (gate.policies if gate.on else ())
        ],
        "bytes": {
            "upload": settings.max_upload_mb * 1_000_000,
            "validate": settings.max_validate_mb * 1_000_000,
            "other_body": settings.max_body_mb * 1_000_000,
        },
        "values_of_a_body": VALUES_MAX,
        "seconds": {
            "features": settings.features_timeout_s,
            "tiles": settings.tiles_timeout_s,
            "validate": settings.validate_timeout_s,
        },
        "pages": {
            "features_default": settings.items_limit_default,
            "features": settings.items_limit_max,
            "offset": OFFSET_MAX,
            "accounts": PAGE_MAX,
        },
        "keys": {"per_account": keys.KEYS_MAX, "days_default": keys.DAYS_DEFAULT, "days": keys.DAYS_MAX},
    }
