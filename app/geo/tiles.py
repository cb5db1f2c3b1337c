"""Tile matrix sets: which tiles exist, and where they lie."""

from dataclasses import dataclass

import morecantile

from app.errors import InvalidParameter, NotFound

TILE_MATRIX_SETS = {"WebMercatorQuad": "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"}


@dataclass(frozen=True)
class Limits:
    """Rows and columns of one tile matrix that a collection may have tiles in."""

    zoom: int
    min_row: int
    max_row: int
    min_col: int
    max_col: int


def require(tile_matrix_set: str) -> None:
    """NotFound unless we serve that tile matrix set."""
    if tile_matrix_set not in TILE_MATRIX_SETS:
        raise NotFound(
            f"There is no tile matrix set {tile_matrix_set!r} here. Tile matrix sets: {', '.join(TILE_MATRIX_SETS)}."
        )


def address(matrix: str, row: str, col: str, *, min_zoom: int, max_zoom: int) -> tuple[int, int, int]:
    """Zoom, column and row of a tile that exists; InvalidParameter or NotFound otherwise."""
    numbers = []
    for name, text in (("tileMatrix", matrix), ("tileRow", row), ("tileCol", col)):
        if not (text.isascii() and text.isdigit() and len(text) <= 10):
            raise InvalidParameter(name, f"{text!r} is not a whole number.")
        numbers.append(int(text))
    z, y, x = numbers
    if not min_zoom <= z <= max_zoom:
        raise NotFound(f"There are tiles for zoom {min_zoom} to {max_zoom}, not for {z}.")
    if x >= 2**z or y >= 2**z:
        raise NotFound(f"Zoom {z} has rows and columns 0 to {2**z - 1}; row {y}, column {x} is outside.")
    return z, x, y


def limits(bounds: tuple[float, float, float, float], min_zoom: int, max_zoom: int) -> list[Limits]:
    """Tiles that cover a box in WGS 84 degrees, zoom by zoom."""
    matrices = morecantile.tms.get("WebMercatorQuad")
    west, south, east, north = bounds
    south, north = max(south, -85.0511), min(north, 85.0511)
    found = []
    for zoom in range(min_zoom, max_zoom + 1):
        first = matrices.tile(west, north, zoom)
        last = matrices.tile(east, south, zoom)
        top = 2**zoom - 1
        found.append(
            Limits(
                zoom=zoom,
                min_row=max(0, min(first.y, top)),
                max_row=max(0, min(last.y, top)),
                min_col=max(0, min(first.x, top)),
                max_col=max(0, min(last.x, top)),
            )
        )
    return found
