"""Files in request bodies, written to disk as they come: as they are, or as the one file of a form.

Each piece is written in a thread, so that the event loop never waits for the disk, and at most one piece is in memory.
"""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import anyio.to_thread
from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from app.errors import Busy, InputRefused, InvalidParameter, TooManyRequests, UnsupportedMediaType
from app.ingest.keeping import Received, Sink, plain_name, too_large

PIECE = 1 << 20
"""Bytes that are collected before they are written."""
IDLE_S = 30.0
"""Longest time without a byte [s]."""
WHOLE_S = 3600.0
"""Longest time for a whole file [s]."""
COMING_MAX = 16
"""Files that may come in at the same time."""
COMING_MAX_EACH = 4
"""Of these, files of one account."""
PART_HEADERS_MAX = 8_192
FORM_BYTES = 50_000
"""What a form may hold beside its file."""

TYPES = (
    "application/octet-stream",
    "text/csv",
    "text/tab-separated-values",
    "text/plain",
    "application/csv",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/zip",
    "application/x-zip-compressed",
    "application/json",
    "application/geo+json",
    "application/geopackage+sqlite3",
    "application/x-sqlite3",
    "application/vnd.sqlite3",
    "application/vnd.apache.parquet",
)
"""Media types of raw bodies. What a file is, is found out from its content; the type must only not be another thing."""
FORM = "multipart/form-data"

BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file as it is, or a form with one file.",
        "content": {
            **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in TYPES},
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}
"""What OpenAPI says of such a body."""


class Slots:
    """How many files may come in at the same time, in all and for each account."""

    def __init__(self) -> None:
        self._taken: Counter[UUID | None] = Counter()

    @contextlib.contextmanager
    def one(self, account: UUID | None) -> Iterator[None]:
        """Take a place for the length of the block. Only the event loop comes here, so counting needs no lock."""
        if self._taken.total() >= COMING_MAX:
            raise Busy(f"{COMING_MAX} files are coming in already; try again in a moment.")
        if self._taken[account] >= COMING_MAX_EACH:
            raise TooManyRequests(
                f"{COMING_MAX_EACH} files of this account are coming in already; wait until one is whole.",
                retry_after_s=5,
            )
        self._taken[account] += 1
        try:
            yield
        finally:
            self._taken[account] -= 1
            if not self._taken[account]:
                del self._taken[account]


def named(told: str | None) -> str | None:
    """The file name of a request's parameter, checked before a byte is read."""
    if told is None:
        return None
    try:
        return plain_name(told)
    except InputRefused as fault:
        raise InvalidParameter("filename", fault.message) from None


def kind_of(request: Request) -> tuple[str, bytes | None]:
    """The media type of a body, and the boundary of a form. UnsupportedMediaType for what is no file."""
    kind, options = parse_options_header(request.headers.get("content-type"))
    media = kind.decode("latin-1").lower()
    if media == FORM:
        boundary = options.get(b"boundary")
        if not boundary or len(boundary) > 200:
            raise InputRefused("The form names no boundary in its Content-Type.", code="FORM_INVALID")
        return media, boundary
    if media and media not in TYPES:
        raise UnsupportedMediaType(
            f"A body of type {media[:80]!r} is no file of samples. Send the file with "
            "--data-binary @file -H 'Content-Type: application/octet-stream', or as the one file of a form (-F file=@file)."
        )
    return media, None


async def receive(request: Request, sink: Sink, *, whole_s: float = WHOLE_S) -> tuple[Received, str | None]:
    """The file of a request's body, and the name that a form gives it. On any failure nothing is left of it.

    whole_s : longest time for all of it [s].

    Raises TooLarge while it is coming, InputRefused where it stalls, breaks off or is no whole form.
    """
    _, boundary = kind_of(request)
    form = _Form(boundary, sink) if boundary else None
    write = form.write if form else sink.write
    try:
        async with asyncio.timeout(whole_s):
            # What goes around all requests ends a body like a broken connection: count before it does.
            async for piece in _pieces(request, sink.limit + (FORM_BYTES if form else 0)):
                await anyio.to_thread.run_sync(write, piece)
        if form:
            form.end()
        received = await anyio.to_thread.run_sync(sink.finish)
        _require_bytes(received)
    except TimeoutError:
        await anyio.to_thread.run_sync(sink.drop)
        raise InputRefused(
            f"No byte came for {IDLE_S:g} s, or not all within {whole_s / 60:g} minutes.", code="UPLOAD_STALLED"
        ) from None
    except ClientDisconnect:
        await anyio.to_thread.run_sync(sink.drop)
        raise InputRefused("The connection ended before the file did.", code="UPLOAD_BROKEN") from None
    except BaseException:
        # Also where the request is cancelled, which must not wait for a thread.
        sink.drop()
        raise
    return received, form.filename if form else None


def _require_bytes(received: Received) -> None:
    if not received.size:
        raise InputRefused("The file is empty.", code="FILE_EMPTY", suggestion="Check the export that made it.")


async def _pieces(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body in pieces of about PIECE bytes. Raises TooLarge as soon as there are more than `limit` in all."""
    held: list[bytes] = []
    size = taken = 0
    stream = request.stream()
    while True:
        async with asyncio.timeout(IDLE_S):
            piece = await anext(stream, None)
        if piece is None:
            break
        held.append(piece)
        size += len(piece)
        taken += len(piece)
        if taken > limit:
            raise too_large(limit)
        if size >= PIECE:
            yield b"".join(held)
            held, size = [], 0
    if size:
        yield b"".join(held)


class _Form:
    """A form with one file, whose bytes go to a sink as they come."""

    def __init__(self, boundary: bytes, sink: Sink) -> None:
        self._sink = sink
        self._name = b""
        self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._size = 0
        self._files = 0
        self._ended = False
        self.filename: str | None = None
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_part_data": self._data,
                    "on_header_field": self._field,
                    "on_header_value": self._text,
                    "on_header_end": self._header,
                    "on_headers_finished": self._head,
                    "on_end": self._end,
                },
            )
        except FormParserError as fault:
            raise InputRefused(f"The form cannot be read: {fault}.", code="FORM_INVALID") from None

    def write(self, piece: bytes) -> None:
        try:
            self._parser.write(piece)
        except FormParserError as fault:
            raise InputRefused(f"The form cannot be read: {fault}.", code="FORM_INVALID") from None

    def end(self) -> None:
        if not self._ended:
            raise InputRefused("The form breaks off before its last boundary.", code="FORM_INVALID")
        if not self._files:
            raise InputRefused("The form holds no file.", code="FORM_INVALID", suggestion="Use -F file=@FILE.")

    def _begin(self) -> None:
        self._headers, self._name, self._value, self._size = {}, b"", b"", 0

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._grow(end - start)
        self._name += data[start:end]

    def _text(self, data: bytes, start: int, end: int) -> None:
        self._grow(end - start)
        self._value += data[start:end]

    def _grow(self, more: int) -> None:
        self._size += more
        if self._size > PART_HEADERS_MAX:
            raise InputRefused("A part of the form has overlong headers.", code="FORM_INVALID")

    def _header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _head(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        field = re.sub(r"[^\w.-]", "?", options.get(b"name", b"").decode("latin-1"))[:60]
        if b"filename" not in options:
            raise InputRefused(
                f"The form has a field {field!r} that is no file; parameters belong into the address.",
                code="FORM_INVALID",
            )
        self._files += 1
        if self._files > 1:
            raise InputRefused(
                "The form holds more than one file.", code="FORM_INVALID", suggestion="Pack several files as one ZIP."
            )
        try:
            told = options[b"filename"].decode("utf-8")
        except UnicodeDecodeError:
            raise InputRefused("The file name of the form is not UTF-8.", code="FILENAME_INVALID") from None
        self.filename = plain_name(told)

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._sink.write(memoryview(data)[start:end])

    def _end(self) -> None:
        self._ended = True
