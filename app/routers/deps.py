"""Request parameters as parsers: text in, typed value or InvalidParameter out; and the connections endpoints use."""

import base64
import binascii
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, overload
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import Connection

from app.collections import WORLD, Collection, Filter
from app.db import items, releases
from app.db.session import reading, translated
from app.errors import InvalidParameter
from app.geo import bbox as boxes
from app.geo import interval
from app.routers.context import Context, Extent, Here, context
from app.routers.identity import Caller
from app.settings import Settings

__all__ = ["Context", "Desk", "Extent", "Here", "Reading", "ReadingTiles", "context"]

COMMON = frozenset({"f"})
OFFSET_MAX = 10_000


def features_connection(here: Here) -> Iterator[Connection]:
    """A read-only connection for features and indicators."""
    with reading(here.features) as connection:
        yield connection


def tiles_connection(here: Here) -> Iterator[Connection]:
    """A read-only connection for tiles, with less patience."""
    with reading(here.tiles) as connection:
        yield connection


def desk_connection(here: Here, _known: Caller) -> Iterator[Connection]:
    """A transaction for what people with an account ask: committed before the answer, undone where it is a refusal.

    Who asks is found out before, on a connection that is given back: requests that hold one while they wait for
    another would starve each other.
    """
    with translated(), here.desk.begin() as connection:
        yield connection


# Closed before the answer is sent, so that slow clients do not hold connections.
Reading = Annotated[Connection, Depends(features_connection, scope="function")]
ReadingTiles = Annotated[Connection, Depends(tiles_connection, scope="function")]
Desk = Annotated[Connection, Depends(desk_connection, scope="function")]


def only(request: Request, *names: str) -> None:
    """InvalidParameter that names the first query parameter which is not among `names`."""
    known = sorted(COMMON.union(names))
    for name in request.query_params:
        if name not in known:
            raise InvalidParameter(name, f"There is no such parameter here. Parameters: {', '.join(known)}.")


def described(**parameters: str) -> dict[str, Any]:
    """Query parameters and what they mean, for the description of the API."""
    return {
        "parameters": [
            {"name": name, "in": "query", "required": False, "description": said, "schema": {"type": "string"}}
            for name, said in parameters.items()
        ]
    }


def chosen(request: Request, filters: tuple[Filter, ...]) -> dict[str, Any]:
    """Values of a collection's filters; None for those that were not named."""
    return {item.name: _value(item, request.query_params.get(item.name)) for item in filters}


def _value(item: Filter, text: str | None) -> Any:
    if text is None:
        return None
    if item.kind == "uuid":
        return uuid(item.name, text)
    return plain(item.name, text)


@overload
def plain(name: str, text: str) -> str: ...
@overload
def plain(name: str, text: None) -> None: ...
def plain(name: str, text: str | None) -> str | None:
    """Text as the database can hold it."""
    if text is not None and "\x00" in text:
        raise InvalidParameter(name, "The value holds a character that no text may hold.")
    return text


def moment(name: str, text: str) -> dt.datetime:
    """A point in time by RFC 3339, such as 2026-11-23T12:00:00Z; a bare day is its first moment in UTC."""
    try:
        found = dt.datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise InvalidParameter(name, f"{text!r} is not a time such as 2026-11-23T12:00:00Z.") from None


def uuid(name: str, text: str) -> UUID:
    """An id of ours."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidParameter(name, f"{text!r} is not an id.") from None


def whole(request: Request, name: str, default: int, *, least: int, most: int | None = None) -> int:
    """A whole number parameter, clamped to `most`, refused below `least`."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 12 or int(text) < least:
        raise InvalidParameter(name, f"{text!r} is not a whole number of at least {least}.")
    return int(text) if most is None else min(int(text), most)


def depth(text: str | None, default: tuple[int, int] | None = None) -> tuple[int, int] | None:
    """A depth interval such as 0-30 [cm]."""
    if text is None:
        return default
    upper, dash, lower = text.partition("-")
    if not (
        dash and text.isascii() and upper.isdigit() and lower.isdigit() and len(text) <= 9 and int(upper) < int(lower)
    ):
        raise InvalidParameter("depth", f"{text!r} is not a depth interval in cm such as 0-30.")
    return int(upper), int(lower)


@dataclass(frozen=True, kw_only=True)
class Page:
    """Which features of a collection were asked for."""

    limit: int
    offset: int
    parameters: Mapping[str, Any]


def page(request: Request, collection: Collection, settings: Settings) -> Page:
    """Parse the parameters of an items request."""
    only(request, "bbox", "datetime", "limit", "cursor", "offset", *(f.name for f in collection.filters))
    query = request.query_params
    limit = whole(request, "limit", settings.items_limit_default, least=1, most=settings.items_limit_max)
    offset = whole(request, "offset", 0, least=0)
    if offset > OFFSET_MAX:
        raise InvalidParameter("offset", f"At most {OFFSET_MAX}; follow the links named next to read further.")
    first: dt.date | None = None
    last: dt.date | None = None
    if "datetime" in query:
        first, last = interval.parse(query["datetime"])
    return Page(
        limit=limit,
        offset=offset,
        parameters={
            "area": boxes.parse(query["bbox"]) if "bbox" in query else None,
            "first": first,
            "last": last,
            "after": _after(collection, query.get("cursor")),
            "id": None,
            **chosen(request, collection.filters),
        },
    )


def cursor(key: str) -> str:
    """Where the next page starts, as an opaque word."""
    return base64.urlsafe_b64encode(b"1" + key.encode()).decode().rstrip("=")


def _after(collection: Collection, text: str | None) -> Any:
    if text is None:
        return None
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        key = ""
    if not key.startswith("1") or "\x00" in key:
        raise InvalidParameter("cursor", "Not a cursor of ours; take it from a link named next.")
    return key[1:] if collection.id == "regions" else uuid("cursor", key[1:])


@dataclass(frozen=True, kw_only=True)
class Version:
    """The release that answers are made from, and what caches may do with them."""

    release: int
    headers: Mapping[str, str]
    unchanged: bool
    """The client has this version already."""


def version(request: Request, connection: Connection) -> Version:
    """Version of the data behind an answer; a client that names it again gets 304."""
    release = releases.current(connection)
    tag = f'W/"r{release}-{request.app.version}"'
    asked = request.query_params.get("release")
    immutable = asked is not None and asked == str(release)
    sent = {part.strip() for part in request.headers.get("if-none-match", "").split(",")}
    return Version(
        release=release,
        headers={
            "ETag": tag,
            "Cache-Control": "public, max-age=31536000, immutable" if immutable else "public, no-cache",
            "Vary": "Accept, Accept-Encoding",
        },
        unchanged=tag in sent or "*" in sent,
    )


def extent(here: Context, connection: Connection, collection: Collection) -> Extent:
    """Where and when a collection's rows lie, computed once a release."""
    key = (releases.current(connection), collection.table)
    if key not in here.extents:
        for old in [k for k in here.extents if k[0] < key[0]]:
            here.extents.pop(old, None)
        here.extents[key] = Extent(
            box=items.extent(connection, collection.table) or WORLD,
            days=items.interval(connection, collection.table) if collection.temporal else None,
        )
    return here.extents[key]
