"""Tables that were made for people become tables with a row for each layer, and every cell keeps its address.

`reshape` does what a mapping says of a table: parts of texts become columns of their own, and columns of a wide table
(`soc_0_10`, `soc_10_30`, or one for each plot) become rows. Beside each column of values stands the name of the column
that each of its cells was read from, so that reports and stored values name the true cell.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import polars as pl

from app.ingest.mapping import MappingFile, TableSource, Wide
from app.ingest.readers import ReadingNote, Table, refuse

ORIGIN = "\x00from "
"""Begins the name of the column that says where the cells of a column of values were read."""
MOST_ROWS = 20_000_000
"""Rows that a wide table may become."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class _Cells:
    """A column of a wide table: what its cells are, and what they say by standing in it."""

    column: str
    value: str
    words: tuple[tuple[str, str | None], ...]


def produced(source: TableSource) -> frozenset[str]:
    """Columns that are not in the file but made of it."""
    names = {name for extract in source.extract for name in _groups(extract.pattern)}
    if source.wide is not None:
        for item in source.wide.columns:
            names |= {item.value, *item.words}
        if source.wide.pattern is not None:
            names |= {*_groups(source.wide.pattern)} - {"value"}
            names |= {source.wide.value} if source.wide.value else set()
    return frozenset(names)


def needed(source: TableSource, required: Sequence[str]) -> tuple[str, ...]:
    """Columns that the file itself must have, so that the columns of `required` can be read or made."""
    if source.names is not None:
        return ()
    made = produced(source)
    listed = [item.column for item in source.wide.columns] if source.wide else []
    open_ended = source.wide is not None and source.wide.pattern is not None and source.wide.value is None
    parts = [extract.column for extract in source.extract if extract.column not in made]
    names = [name for name in required if name not in made and not name.startswith(ORIGIN)]
    # Which columns of values a pattern finds is seen only when it has found them.
    return () if open_ended else tuple(dict.fromkeys([*names, *parts, *listed]))


def reshape(table: Table, source: TableSource) -> Table:
    """The table as its mapping describes it. Raises RefusedFile where a column that is listed is not there."""
    for extract in source.extract:
        table = _extracted(table, extract.column, extract.pattern)
    return table if source.wide is None else _long(table, source.wide)


def origins(mapping: MappingFile, frame: pl.DataFrame) -> dict[str, pl.Series]:
    """For each column of values that was made of others: the column, and the row in a joined table, of every cell."""
    found = {}
    lookups = {table.name for table in mapping.tables if table.role == "lookup"}
    for value in mapping.values:
        prefix, dot, bare = value.column.partition(".")
        joined = dot and prefix in lookups
        made = f"{prefix}.{ORIGIN}{bare}" if joined else f"{ORIGIN}{value.column}"
        name = pl.col(made) if made in frame.columns else pl.lit(bare if joined else value.column)
        if joined:
            parts = [pl.lit(f"{prefix}: "), name, pl.lit(", row "), pl.col(f"{prefix}.{ORIGIN}row").cast(pl.String)]
            found[value.column] = frame.select(pl.concat_str(parts).alias("origin"))["origin"]
        elif made in frame.columns:
            found[value.column] = frame[made]
    return found


def _groups(pattern: str) -> list[str]:
    """Named groups of a pattern that the mapping was checked with."""
    dtype = pl.Series([""]).str.extract_groups(pattern).dtype
    assert isinstance(dtype, pl.Struct)  # noqa: S101 - a pattern without groups is refused with its mapping
    return [field.name for field in dtype.fields if not field.name.isdigit()]


def _extracted(table: Table, column: str, pattern: str) -> Table:
    _require(table, [column])
    names = _groups(pattern)
    parts = table.frame.select(pl.col(column).str.strip_chars().str.extract_groups(pattern).alias("parts"))
    return dataclasses.replace(
        table, frame=table.frame.with_columns(parts["parts"].struct.field(name).alias(name) for name in names)
    )


def _require(table: Table, columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in table.frame.columns]
    if missing:
        where = f"sheet {table.sheet!r} of {table.file}" if table.sheet else table.file
        message = f"Columns that the mapping turns into rows are missing from {where}: {', '.join(missing)}."
        raise refuse("COLUMNS_MISSING", message, file=table.file, column=", ".join(missing))


def _long(table: Table, wide: Wide) -> Table:
    cells = _matched(table, wide) if wide.pattern is not None else _listed(table, wide)
    blocks: dict[tuple[tuple[str, str | None], ...], list[_Cells]] = {}
    for item in cells:
        blocks.setdefault(item.words, []).append(item)
    taken = {item.column for item in cells}
    made = {name for item in cells for name in (item.value, *dict(item.words))}
    kept = [name for name in table.frame.columns if name not in taken and name not in made]
    values = list(dict.fromkeys(item.value for item in cells))
    height = table.frame.height
    if len(blocks) * height > MOST_ROWS:
        message = f"{table.file} would become {len(blocks) * height:,} rows; the limit is {MOST_ROWS:,}."
        raise refuse("SHEET_TOO_LARGE", message, file=table.file)
    parts = []
    for words, members in blocks.items():
        by_value = {item.value: item.column for item in members}
        parts.append(
            table.frame.select(
                *kept,
                *(pl.lit(word, pl.String).alias(name) for name, word in words),
                *(
                    pl.col(by_value[value]).alias(value) if value in by_value else pl.lit(None, pl.String).alias(value)
                    for value in values
                ),
                *(pl.lit(by_value.get(value), pl.String).alias(ORIGIN + value) for value in values),
            )
        )
    # Row by row and not block by block, as a reader of the file would go.
    order = np.arange(len(blocks) * height).reshape(len(blocks), height).T.ravel()
    details = {"rows": height, "columns": len(cells), "layers": len(order)}
    return dataclasses.replace(
        table,
        frame=pl.concat(parts)[order],
        rows=table.rows.gather(order % max(height, 1)),
        notes=(*table.notes, ReadingNote(code="TABLE_WIDE", details=details)),
    )


def _listed(table: Table, wide: Wide) -> list[_Cells]:
    _require(table, list(dict.fromkeys(item.column for item in wide.columns)))
    return [
        _Cells(column=item.column, value=item.value, words=tuple(sorted(item.words.items()))) for item in wide.columns
    ]


def _matched(table: Table, wide: Wide) -> list[_Cells]:
    pattern = wide.pattern or ""
    frame = pl.DataFrame({"name": [name for name in table.frame.columns if not name.startswith("\x00")]})
    found = frame.filter(pl.col("name").str.contains(pattern)).with_columns(
        pl.col("name").str.extract_groups(pattern).alias("parts")
    )
    names = _groups(pattern)
    cells: dict[tuple[str, tuple[tuple[str, str | None], ...]], _Cells] = {}
    for name, parts in found.iter_rows():
        said = {key: parts[key] for key in names}
        value = said.pop("value", wide.value)
        item = _Cells(column=name, value=value or "", words=tuple(sorted(said.items())))
        if twin := cells.get((item.value, item.words)):
            message = f"The pattern of the mapping takes {twin.column!r} and {name!r} of {table.file} for the same."
            raise refuse("HEADER_DUPLICATE", message, file=table.file, column=name)
        cells[item.value, item.words] = item
    if not cells:
        message = f"No column of {table.file} has a name of the form {pattern!r} that the mapping looks for."
        raise refuse("COLUMNS_MISSING", message, file=table.file)
    return list(cells.values())
