"""Time intervals as OGC API writes them."""

import datetime as dt

from app.errors import InvalidParameter

OPEN = ("", "..")


def parse(text: str) -> tuple[dt.date | None, dt.date | None]:
    """First and last day of an instant or interval, both inclusive; None for an open end. Raises InvalidParameter."""
    parts = text.split("/")
    if len(parts) > 2:
        raise InvalidParameter("datetime", "An interval has two parts separated by one slash.")
    if len(parts) == 1:
        day = _day(parts[0])
        return day, day
    first, last = (None if part in OPEN else _day(part) for part in parts)
    if first is None and last is None:
        raise InvalidParameter("datetime", "At least one end of the interval must be given.")
    if first and last and first > last:
        raise InvalidParameter("datetime", f"The interval ends ({last}) before it starts ({first}).")
    return first, last


def _day(text: str) -> dt.date:
    try:
        if len(text) == 10:
            return dt.date.fromisoformat(text)
        moment = dt.datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise InvalidParameter("datetime", f"{text!r} has no time zone; write 2020-01-31T00:00:00Z.")
        return moment.astimezone(dt.UTC).date()
    except (ValueError, OverflowError):  # the latter where the zone carries it out of the calendar
        raise InvalidParameter(
            "datetime", f"{text!r} is neither a date (2020-01-31) nor a date and time (2020-01-31T00:00:00Z)."
        ) from None
