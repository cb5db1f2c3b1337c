"""Which published points low zooms show: chosen anew in the coarse cells that a release touches, and nowhere else."""

from typing import Literal

import polars as pl
from sqlalchemy import Connection, text

from app.db import bulk, nested_points
from app.db.queries import sql

Kind = Literal["site", "observation"]

_POINTS = {
    "point": pl.Int64,
    "property": pl.String,
    "morton": pl.Int64,
    "luck": pl.Int64,
    "min_zoom": pl.Int16,
    "may_win": pl.String,
}


def choose_staged(connection: Connection, kind: Kind) -> None:
    """Choose for the rows that are staged, before they begin, and for published ones near those that begin or end.

    Leaves a temporary table `zoom`: the point (-place of a staged row), and the zoom where it is not the last one.
    """
    _choose(connection, kind, sql(f"{kind}_cells_staged"), {}, staged=True)


def choose_released(connection: Connection, kind: Kind, number: int, since: int) -> None:
    """Choose for what is published near the rows that releases since one began or ended."""
    _choose(connection, kind, sql(f"{kind}_cells_released"), {"release": number, "since": since}, staged=False)
    drop(connection)


def drop(connection: Connection) -> None:
    """Forget what was chosen."""
    connection.execute(text("DROP TABLE zoom"))


def _choose(connection: Connection, kind: Kind, cells: str, given: dict[str, int], *, staged: bool) -> None:
    more = f"UNION ALL {sql(f'staged_{kind}s')}" if staged else ""
    of_cells = sql(f"{kind}s_of_cells").replace("{cells}", cells)
    found = bulk.copy_out(
        connection,
        of_cells.replace("{staged}", more) if "{staged}" in of_cells else f"{of_cells} {more}",
        given,
        _POINTS,
    )
    chosen = _chosen(found)
    connection.execute(text("CREATE TEMPORARY TABLE zoom (point bigint, zoom smallint) ON COMMIT DROP"))
    bulk.copy_in(connection, "zoom", chosen)
    connection.execute(text("ANALYZE zoom"))
    if (chosen["point"] > 0).any():
        connection.execute(text(sql("keep_zooms").replace("{table}", f"pub.{kind}")))


def _chosen(points: pl.DataFrame) -> pl.DataFrame:
    """Points whose zoom is another than before, and that zoom."""
    # Names of rows decide between equals, so that the order in which they were read does not.
    wins = (points["may_win"] == "t").alias("wins")
    able = points.filter(wins).sort("point")
    drawn = able.select(
        "point",
        pl.Series(
            "zoom",
            nested_points.smallest_zooms(
                able["property"].fill_null("").rank("dense").cast(pl.Int64).to_numpy(),
                able["morton"].to_numpy(),
                able["luck"].to_numpy(),
            ),
        ),
        "min_zoom",
    )
    hidden = points.filter(~wins).select("point", pl.lit(nested_points.LAST, pl.Int16).alias("zoom"), "min_zoom")
    return pl.concat([drawn, hidden]).filter(pl.col("zoom") != pl.col("min_zoom")).select("point", "zoom")
