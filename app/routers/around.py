"""What surrounds every request: its id, log line, size limit and security headers; and HEAD. Pure ASGI, no buffering."""

import re
import time
from http import HTTPStatus
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.routers.problems import problem, unforeseen

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
POLICY = (
    "default-src 'self'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"
)

log = structlog.get_logger()


class Around:
    """Gives each request an id, limits its body, logs one line for it and adds security headers. HEAD is GET unheard."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes

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

        async def reply(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                out = MutableHeaders(scope=message)
                out["X-Request-ID"] = request_id
                out["X-Content-Type-Options"] = "nosniff"
                out["Referrer-Policy"] = "strict-origin-when-cross-origin"
                if out.get("content-type", "").startswith("text/html"):
                    out["Content-Security-Policy"] = POLICY
            elif head:
                message = {**message, "body": b""}
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            if self._too_long(headers):
                answer = problem(
                    scope["path"],
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    "too-large",
                    f"A request body may have at most {self.max_body_bytes // 1_000_000} MB.",
                    headers={"Connection": "close"},
                )
                await answer(scope, receive, reply)
            else:
                await self.app({**scope, "method": "GET"} if head else scope, self._counted(receive), reply)
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
                query=scope["query_string"].decode("latin-1"),
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
            structlog.contextvars.unbind_contextvars("request_id")

    def _too_long(self, headers: Headers) -> bool:
        length = headers.get("content-length", "0")
        return not length.isdigit() or int(length) > self.max_body_bytes

    def _counted(self, receive: Receive) -> Receive:
        """The body, ended as a broken connection once it is longer than announced bodies may be."""
        taken = 0

        async def receiving() -> Message:
            nonlocal taken
            message = await receive()
            if message["type"] == "http.request":
                taken += len(message.get("body", b""))
                if taken > self.max_body_bytes:
                    return {"type": "http.disconnect"}
            return message

        return receiving
