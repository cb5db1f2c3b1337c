"""What surrounds every request: its id, log line, size limit and security headers; and HEAD. Pure ASGI, no buffering.

Keys and tokens belong in a header. In an address they would stand in the logs of every machine on the way, so an
address with one is refused, and our own log line hides it.
"""

import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlencode
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.logs import CREDENTIAL, HIDDEN
from app.routers.problems import problem, unforeseen

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
POLICY = (
    "default-src 'self'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"
)

ASKED_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "X-Request-ID",
)
"""Headers that scripts of other origins may send."""
SHOWN_HEADERS = (
    "Content-Crs",
    "Content-Disposition",
    "ETag",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-ID",
)
"""Headers that scripts of other origins may read."""
SECRET_NAMES = frozenset(
    {"access_token", "api-key", "api_key", "apikey", "authorization", "id_token", "key", "token", "x-api-key"}
)
"""Parameters by which other services take keys. None is one of ours."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
YEAR_S = 31_536_000

log = structlog.get_logger()


class Around:
    """Gives each request an id, limits its body, logs one line for it and adds security headers. HEAD is GET unheard."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int,
        file_bytes: Mapping[str, int] | None = None,
        secure: bool = False,
    ) -> None:
        self.app = app
        self.secure = secure
        """Whether clients reach the service by TLS, so that they may insist on it."""
        self.max_body_bytes = max_body_bytes
        self.file_bytes = file_bytes or {}
        """Limits of the paths that take a file."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        told = headers.get("x-request-id", "")
        request_id = told if REQUEST_ID.fullmatch(told) else uuid4().hex
        started = time.perf_counter()
        status: int | None = None
        head = scope["method"] == "HEAD"
        scope.setdefault("state", {})
        query, misplaced = _query(scope)

        async def reply(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._dress(message, scope, headers)
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            elif head:
                message = {**message, "body": b""}
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            limit = self.file_bytes.get(scope["path"], self.max_body_bytes)
            if self._too_long(headers, limit):
                answer = problem(
                    scope["path"],
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    "too-large",
                    f"A request body may have at most {limit // 1_000_000} MB here.",
                    headers={"Connection": "close"},
                )
                await answer(scope, receive, reply)
            elif misplaced:
                await _misplaced(scope["path"])(scope, receive, reply)
            else:
                # Bodies without a file are taken whole, and bounded, further in.
                counted = self._counted(receive, limit) if scope["path"] in self.file_bytes else receive
                await self.app({**scope, "method": "GET"} if head else scope, counted, reply)
        except Exception as fault:
            if status is not None:
                raise  # half an answer is out: the server breaks the connection, so that it does not look whole
            # Here and not in a handler of the framework, which would answer without the request id.
            await unforeseen(scope["path"], fault)(scope, receive, reply)
        finally:
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                query=query,
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
            structlog.contextvars.unbind_contextvars("request_id")

    def _dress(self, message: Message, scope: Scope, asked: Headers) -> None:
        """Give an answer the headers that browsers and caches go by."""
        out = MutableHeaders(scope=message)
        out["X-Content-Type-Options"] = "nosniff"
        out["Referrer-Policy"] = "strict-origin-when-cross-origin"
        if self.secure:
            out["Strict-Transport-Security"] = f"max-age={YEAR_S}"
        if out.get("content-type", "").startswith("text/html"):
            out["Content-Security-Policy"] = POLICY
        _limit_caches(
            out,
            sent="authorization" in asked,
            identified=scope["state"].get("identified", False),
            stored=scope["method"] in SAFE_METHODS and message["status"] < HTTPStatus.BAD_REQUEST,
        )

    @staticmethod
    def _too_long(headers: Headers, limit: int) -> bool:
        length = headers.get("content-length", "0")
        return not length.isdigit() or int(length) > limit

    @staticmethod
    def _counted(receive: Receive, limit: int) -> Receive:
        """The body, ended as a broken connection once it is longer than announced bodies may be."""
        taken = 0

        async def receiving() -> Message:
            nonlocal taken
            message = await receive()
            if message["type"] == "http.request":
                taken += len(message.get("body", b""))
                if taken > limit:
                    return {"type": "http.disconnect"}
            return message

        return receiving


def _query(scope: Scope) -> tuple[str, bool]:
    """The query as it may be logged, without keys, tokens and e-mail addresses, and whether it carries a key or token."""
    raw = scope["query_string"].decode("latin-1")
    given = parse_qsl(raw, keep_blank_values=True) if raw else []
    secret = [name.lower() in SECRET_NAMES or _holds_secret(name) or _holds_secret(value) for name, value in given]
    people = [name.lower() == "email" for name, _ in given]
    if any(secret) or any(people):
        shown = [
            (HIDDEN if _holds_secret(name) else name, HIDDEN if hide or person else value)
            for (name, value), hide, person in zip(given, secret, people, strict=True)
        ]
        raw = urlencode(shown, safe="()")
    return raw, any(secret) or _holds_secret(scope["path"])


def _holds_secret(text: str) -> bool:
    """Whether a key or token is in the text, however often it was escaped."""
    for _ in range(3):
        if CREDENTIAL.search(text):
            return True
        if "%" not in text:
            return False
        text = unquote(text)
    return CREDENTIAL.search(text) is not None


def _misplaced(path: str) -> ASGIApp:
    return problem(
        path,
        HTTPStatus.BAD_REQUEST,
        "credential-in-url",
        "Keys and tokens are not taken from the address: send them in the header Authorization: Bearer. Addresses are "
        "kept in logs and histories, so revoke the one that you sent.",
    )


def _limit_caches(out: MutableHeaders, *, sent: bool, identified: bool, stored: bool) -> None:
    """Keep caches from giving one person's answer to another.

    sent : a credential came with the request. identified : the answer depends on who asks. stored : it is of a kind
    that caches keep.
    """
    if sent or identified:
        out.add_vary_header("Authorization")
    said = out.get("cache-control")
    if said is None and (sent or identified or not stored):
        out["Cache-Control"] = "no-store"
    elif said is not None and sent:
        # Whoever sends a key gets an answer of their own, even where it is public.
        out["Cache-Control"] = re.sub(r"\bpublic\b", "private", said)
