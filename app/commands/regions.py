"""`observatory regions`: boundaries of any file become regions, and whether their areas add up."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from app.db import regions
from app.geo.boundary_files import DRIVERS, Columns
from app.pipelines import bounding

Opened = Callable[[str], AbstractContextManager[tuple[Any, Engine]]]
"""Opens the database for a purpose."""

CLOSED = 0.001
"""Share of a region's area that the ledger may leave unexplained."""


def regions_app(opened: Opened, out: Console) -> typer.Typer:
    """`observatory regions`."""
    app = typer.Typer(no_args_is_help=True, help="Import boundaries, and check that areas add up.")

    @app.command("import")
    def import_file(
        file: Annotated[Path, typer.Argument(help=f"One of: {', '.join(DRIVERS)}.")],
        *,
        kind: Annotated[bounding.Kind, typer.Option(help="What the areas are.")],
        code: Annotated[str, typer.Option(help="Column with the code of each area, such as ISO 3166-2.")],
        name: Annotated[str, typer.Option(help="Column with its name.")],
        source: Annotated[str, typer.Option(help="Where the boundaries come from, as it is shown.")],
        licence: Annotated[str, typer.Option(help="Their licence, as it is shown.")],
        name_fr: Annotated[str | None, typer.Option(help="Column with its name in French.")] = None,
        name_es: Annotated[str | None, typer.Option(help="Column with its name in Spanish.")] = None,
        parent: Annotated[
            str | None, typer.Option(help="Column with its country's ISO 3166-1 code; else found by position.")
        ] = None,
        crs: Annotated[str | None, typer.Option(help="Reference system, where the file does not say it.")] = None,
    ) -> None:
        """Store areas as regions, find the sites in them, and publish them with their figures."""
        columns = Columns(code=code, name=name, name_fr=name_fr, name_es=name_es, parent=parent)
        with opened(f"importing {file.name}") as (_, engine), engine.begin() as connection:
            done = bounding.import_boundaries(
                connection, file, kind=kind, columns=columns, source=source, licence=licence, crs=crs
            )
        out.print(f"{len(done.ids)} regions with {done.n_sites} sites; release {done.release}.", highlight=False)
        for mended in done.mended:
            out.print(f"{mended.code}  {mended.region}: {mended.detail}", highlight=False)
        for first, second, common in done.overlaps:
            out.print(f"OVERLAP  {first} and {second} share {common:.1f} km²", highlight=False)

    @app.command()
    def ledger() -> None:
        """Compare each region's area with the areas of its parts; exit code 1 where one does not close."""
        with opened("adding up areas") as (_, engine), engine.connect() as connection:
            rows = regions.ledger(connection)
        table = Table(box=None)
        table.add_column("region", overflow="fold")
        for heading in ("area km²", "parts", "sum km²", "in no part", "outside", "unexplained"):
            table.add_column(heading, justify="right")
        for row in rows:
            areas = (row.parts_km2, row.undivided_km2, row.outside_km2, row.open_km2)
            sums = [f"{round(area) + 0:,}" for area in areas]
            table.add_row(row.id, f"{row.area_km2:,.0f}", str(row.n_parts), *sums)
        out.print(table)
        if any(abs(row.open_km2) > CLOSED * row.area_km2 for row in rows):
            raise typer.Exit(1)

    return app
