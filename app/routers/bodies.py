"""JSON bodies: bounded before they are parsed, and their parts: words that a database can hold and a page can show.

The framework parses a body on the event loop and lists every fault in it. Ten megabytes of unknown fields kept the loop
busy for 17 s and came back as 75 MB, so a body is taken whole, and refused by its number of values, before that.
"""

import unicodedata
from collections.abc import Collection, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.routers.problems import problem

VALUES_MAX: Final = 5_000
"""Most values in a body, counted as commas. A mapping of a wide table has some hundreds."""


class Bounded:
    """Takes the body of a request that brings no file, up to `max_bytes`, before anything parses it. Pure ASGI."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: int,
        files: Collection[str] = (),
        larger: Mapping[str, tuple[int, int]] = MappingProxyType({}),
    ) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.files = files
        self.larger = larger
        """Paths whose bodies may be larger, such as for boundaries: most bytes and most values."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse its body."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"} or scope["path"] in self.files:
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        most, values = self.larger.get(path, (self.max_bytes, VALUES_MAX))
        body = bytearray()
        more = True
        while more and len(body) <= most:
            message = await receive()
            if message["type"] != "http.request":
                return  # the client has gone: nobody is there to be answered
            body += message.get("body", b"")
            more = message.get("more_body", False)
        fault = _fault(body, most, values)
        if fault:
            refusal = problem(
                path,
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "too-large",
                fault,
                headers={"Connection": "close"} if more else None,
            )
            await refusal(scope, receive, send)
            return
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self.app(scope, again, send)


def _fault(body: bytearray, most: int, values: int) -> str | None:
    if len(body) > most:
        return f"A request body may have at most {most // 1_000_000} MB here."
    if body.count(b",") > values:
        return f"A request body may have at most {values} values."
    return None


def _printable(text: str) -> str:
    for place, character in enumerate(text, start=1):
        # Cc: control characters such as NUL, which PostgreSQL refuses; Cf: such as direction overrides, which forge names.
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            raise ValueError(f"character {place} is U+{ord(character):04X}, which no name may hold")
    return text


def _plain(text: str) -> str:
    if "\x00" in text:
        raise ValueError("it holds the character U+0000, which no text may hold")
    return text


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_printable)
]
"""One line: a name or title, 1 to 200 characters."""

Paragraph = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000), AfterValidator(_plain)
]
"""Text of several lines, 1 to 10,000 characters."""

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,99}$", description="Short name as in URLs.")]


class Body(BaseModel):
    """A JSON object in which an unknown field is refused, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)
