"""Bounding boxes as OGC API writes them: four or six numbers, west may be greater than east across the antimeridian."""

import math

from app.errors import InvalidParameter


def parse(text: str) -> str:
    """The box as WKT: a polygon (a line or point where it has no area), in two parts across the antimeridian.

    text : west,south,east,north in WGS 84 degrees; the heights of six numbers are ignored. Raises InvalidParameter.
    """
    parts = text.split(",")
    if len(parts) not in (4, 6):
        raise InvalidParameter("bbox", f"Expected 4 or 6 numbers separated by commas, got {len(parts)} parts.")
    numbers = [_number(part) for part in parts]
    west, south, east, north = numbers if len(numbers) == 4 else (*numbers[:2], *numbers[3:5])
    for name, value, limit in (("west", west, 180), ("east", east, 180), ("south", south, 90), ("north", north, 90)):
        if not -limit <= value <= limit:
            raise InvalidParameter("bbox", f"The {name} edge {value:g} is not between -{limit} and {limit} degrees.")
    if south > north:
        raise InvalidParameter("bbox", f"South ({south:g}) is greater than north ({north:g}).")
    if west == east or south == north:
        # Without an area a ring is no valid polygon, and the database would find nothing on it.
        return _line_or_point(west, south, east, north)
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    rings = ",".join(
        f"(({w:.9f} {south:.9f},{e:.9f} {south:.9f},{e:.9f} {north:.9f},{w:.9f} {north:.9f},{w:.9f} {south:.9f}))"
        for w, e in spans
    )
    return f"MULTIPOLYGON({rings})"


def _line_or_point(west: float, south: float, east: float, north: float) -> str:
    """A box without width, height or both."""
    if (west, south) == (east, north):
        return f"POINT({west:.9f} {south:.9f})"
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    lines = ",".join(f"({w:.9f} {south:.9f},{e:.9f} {north:.9f})" for w, e in spans)
    return f"MULTILINESTRING({lines})"


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise InvalidParameter("bbox", f"{text!r} is not a number.") from None
    if not math.isfinite(value):
        raise InvalidParameter("bbox", f"{text!r} is not a finite number.")
    return value
