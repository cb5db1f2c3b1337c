"""What a question about figures may name: release, indicator, depth, period, kind of region, form of the answer."""

import contextlib
import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from sqlalchemy import Connection, Row

from app.db import estimates, releases
from app.db.tables import REGION_KINDS
from app.errors import InvalidParameter, NotFound
from app.routers import deps
from app.routers.context import Context
from app.routers.deps import Version
from app.soil.indicators import INDICATORS, Indicator

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\S{2,}", re.ASCII)
PERIOD = re.compile(r"(\d{4})/(\d{4})", re.ASCII)
PERIODS_KEPT = 256

DESCRIBED = {
    "indicator": "Id of an indicator, see /indicators.",
    "depth": "Depth interval in cm, such as 0-30.",
    "period": "all, or first and last year such as 2010/2019, see /indicators.",
    "kind": f"Kind of region: one of {', '.join(REGION_KINDS)}. Default: country.",
    "as_of": "The state to answer from: number of a release, a day that is over (its last release, in UTC), or a time "
    "in the past such as 2026-11-23T12:00:00Z.",
    "synthetic": "none (default): figures of measured data; all: figures of generated data.",
    "with": "Ids of the other regions, separated by commas.",
}


def described(*names: str, required: tuple[str, ...] = (), forms: Sequence[str]) -> dict[str, Any]:
    """Query parameters of a question, for the description of the API."""
    found = deps.described(**{name: DESCRIBED[name] for name in names}, f=f"Form: {', '.join(forms)}.")
    for parameter in found["parameters"]:
        parameter["required"] = parameter["name"] in required
        if parameter["name"] == "f":
            parameter["schema"] = {"type": "string", "enum": list(forms), "default": forms[0]}
    return found


@dataclass(frozen=True, kw_only=True)
class State:
    """The published state that an answer is made from."""

    version: Version
    past: int | None
    """The release that was asked for; None: the present one."""

    @property
    def release(self) -> int:
        """Its number."""
        return self.version.release


def state(request: Request, connection: Connection) -> State:
    """The release named by `as_of`, or the present one.

    An answer by number never changes. One by day or time is asked for again each time, for a release that is being
    made may yet turn out to be older than it.
    """
    asked = request.query_params.get("as_of")
    if asked is None:
        return State(version=deps.version(request, connection), past=None)
    latest = releases.current(connection)
    by_number = asked.isascii() and asked.isdigit()
    number = _numbered(asked, latest) if by_number else _dated(asked, connection)
    tag = f'W/"r{number}-{request.app.version}"'
    sent = {part.strip() for part in request.headers.get("if-none-match", "").split(",")}
    headers = {
        "ETag": tag,
        "Cache-Control": "public, max-age=31536000, immutable" if by_number else "public, no-cache",
        "Vary": "Accept, Accept-Encoding",
    }
    version = Version(release=number, headers=headers, unchanged=tag in sent or "*" in sent)
    return State(version=version, past=number)


def _numbered(text: str, latest: int) -> int:
    if len(text) > 9 or int(text) > latest:
        known = f"the latest is {latest}" if latest else "nothing is published yet"
        raise InvalidParameter("as_of", f"There is no release {text[:40]} yet; {known}.")
    if int(text) == 0:
        raise InvalidParameter("as_of", "Releases are counted from 1.")
    return int(text)


def _dated(text: str, connection: Connection) -> int:
    now = estimates.now(connection)
    moment = _end_of_day(text) if DAY.fullmatch(text) else _moment(text)
    if moment > now and DAY.fullmatch(text):
        raise InvalidParameter(
            "as_of", f"{text} is not over yet in UTC; name a release or a time instead, or ask without as_of."
        )
    if moment > now:
        raise InvalidParameter("as_of", f"{text[:40]!r} lies in the future.")
    number = estimates.release_at(connection, moment)
    if number == 0:
        first = estimates.released(connection, 1)
        since = "nothing is published yet" if first is None else f"the first is of {first:%Y-%m-%dT%H:%M:%SZ}"
        raise InvalidParameter("as_of", f"There was no release at {text[:40]!r} yet; {since}.")
    return number


def _end_of_day(text: str) -> dt.datetime:
    try:
        return dt.datetime.combine(dt.date.fromisoformat(text), dt.time(), dt.UTC) + dt.timedelta(days=1)
    except (ValueError, OverflowError):
        raise InvalidParameter("as_of", f"{text!r} is not a day of the calendar.") from None


def _moment(text: str) -> dt.datetime:
    with contextlib.suppress(InvalidParameter):
        if TIME.fullmatch(text):
            return deps.moment("as_of", text)
    raise InvalidParameter(
        "as_of",
        f"{text[:40]!r} is not the number of a release, a day such as 2026-11-23 or a time such as "
        "2026-11-23T12:00:00Z (a + is written %2B).",
    )


def indicator(request: Request) -> Indicator | None:
    """The indicator that was named, if one was."""
    name = request.query_params.get("indicator")
    return None if name is None else known_indicator(name)


def known_indicator(name: str) -> Indicator:
    """An indicator by its id."""
    if name not in INDICATORS:
        raise InvalidParameter("indicator", f"{name!r} is not one of {', '.join(INDICATORS)}.")
    return INDICATORS[name]


def one_indicator(request: Request) -> Indicator:
    """The indicator that must be named."""
    found = indicator(request)
    if found is None:
        raise InvalidParameter("indicator", f"Name one of {', '.join(INDICATORS)}.")
    return found


def depth(text: str | None, record: Indicator | None) -> tuple[int, int] | None:
    """A depth for which the indicator, or any where None, is published."""
    found = deps.depth(text)
    known = [d for r in (INDICATORS.values() if record is None else [record]) for d in r.depths]
    if found is not None and found not in known:
        said = ", ".join(f"{upper}-{lower}" for upper, lower in sorted(set(known)))
        raise InvalidParameter("depth", f"{text!r} is not one of {said}.")
    return found


def one_depth(request: Request, record: Indicator) -> tuple[int, int]:
    """The depth that was named, or the indicator's first."""
    return depth(request.query_params.get("depth"), record) or record.depths[0]


def period(text: str | None, here: Context, connection: Connection, past: int | None = None) -> str | None:
    """A period that has estimates, now or in a past release; `all` is always one."""
    if text is None or text == "all":
        return text
    years = PERIOD.fullmatch(text)
    if years and years[1] > years[2]:
        raise InvalidParameter("period", f"{text} ends before it begins; write {years[2]}/{years[1]}.")
    known = periods(here, connection, past)
    if text not in known:
        raise InvalidParameter("period", f"{text!r} is not one of {', '.join(known) or 'none yet'}.")
    return text


def periods(here: Context, connection: Connection, past: int | None) -> tuple[str, ...]:
    """Periods that have estimates, read once a release."""
    number = releases.current(connection) if past is None else past
    if number not in here.periods:
        if len(here.periods) >= PERIODS_KEPT:
            here.periods.clear()
        here.periods[number] = tuple(estimates.periods(connection, past))
    return here.periods[number]


def kind(text: str | None) -> str:
    """A kind of region; countries where none is named."""
    if text is not None and text not in REGION_KINDS:
        raise InvalidParameter("kind", f"{text!r} is not one of {', '.join(REGION_KINDS)}.")
    return text or "country"


def form(request: Request, forms: Sequence[str]) -> str:
    """The form of the answer; the first of `forms` where none is named."""
    text = request.query_params.get("f", forms[0])
    if text not in forms:
        raise InvalidParameter("f", f"{text!r} is not one of {', '.join(forms)}.")
    return text


def region(connection: Connection, region_id: str, past: int | None) -> Row[Any]:
    """The region of an address."""
    if "\x00" in region_id:
        raise NotFound("There is no such region.")
    found = estimates.regions(connection, [region_id], past).get(region_id)
    if found is None:
        when = "" if past is None else f" in release {past}"
        raise NotFound(f"There is no region {region_id!r}{when}; see /collections/regions/items.")
    return found
