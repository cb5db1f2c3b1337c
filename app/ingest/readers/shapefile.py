"""Zipped Shapefiles: the parts are unpacked under names of our own, then read by GDAL's Shapefile driver alone.

GDAL is handed a file whose first bytes are those of a Shapefile, in a private folder that holds nothing else; so no
other driver can take it for its own and nothing it could refer to is there.
"""

import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pyogrio
import pyogrio.errors
import pyogrio.raw

from app.ingest.archives import unpack
from app.ingest.readers.arrow import Texts, is_nested
from app.ingest.readers.points import Points, crs_name, reserved_free
from app.ingest.readers.table import ReadingNote, Table, choose_sheet, column_names, finish, refuse, refuse_many_rows

_MAGIC = b"\x00\x00\x27\x0a"
_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_NEEDED = (".shp", ".shx", ".dbf")
_GEOMETRY = "wkb_geometry"


def is_shapefile(path: Path) -> bool:
    """Whether a ZIP archive holds a Shapefile."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.lower().endswith(".shp") for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return False


def read_shapefile(
    path: Path, sheet: str | None, wanted: frozenset[str], encoding: str | None, max_bytes: int
) -> Table:
    """Read one Shapefile of an archive: the one that is named, or the first that has all of `wanted`.

    encoding : of its texts, where the archive has no .cpg or a wrong one.
    """
    name = path.name
    with tempfile.TemporaryDirectory(prefix="shapefile-") as folder:
        files = unpack(path, name, Path(folder), max_bytes=max_bytes)
        layers = {stem: _parts(files, stem) for stem in sorted({f.stem for f in files if f.suffix.lower() == ".shp"})}
        if not layers:
            raise refuse("FORMAT_UNSUPPORTED", f"{name} holds no Shapefile.", file=name)
        for number, (stem, parts) in enumerate(layers.items()):
            _place(parts, Path(folder) / str(number), stem, name)
        try:
            opened = {stem: Path(folder) / str(number) / "layer.shp" for number, stem in enumerate(layers)}
            columns = [(stem, _columns(file, encoding)) for stem, file in opened.items()]
            found = choose_sheet(columns, sheet, wanted, name)
            return finish(_table(opened[found], found, name, encoding, max_bytes))
        except (
            pyogrio.errors.DataSourceError,
            pyogrio.errors.DataLayerError,
            UnicodeDecodeError,
            LookupError,
        ) as error:
            message = f"{name} cannot be read as a Shapefile: {str(error).replace(folder, '')[:120]}."
            raise refuse("GEOFILE_BROKEN", message, file=name) from error


def _parts(files: list[Path], stem: str) -> dict[str, Path]:
    return {f.suffix.lower(): f for f in files if f.stem == stem and f.suffix.lower() in _PARTS}


def _place(parts: dict[str, Path], folder: Path, stem: str, name: str) -> None:
    """Give the parts names of our own, after a look at what they are."""
    missing = [suffix for suffix in _NEEDED if suffix not in parts]
    if missing:
        message = f"The Shapefile {stem[:60]!r} in {name} lacks its part {missing[0]}."
        raise refuse("GEOFILE_BROKEN", message, file=name)
    for suffix in (".shp", ".shx"):
        with parts[suffix].open("rb") as file:
            if file.read(4) != _MAGIC:
                message = f"{stem[:60]}{suffix} in {name} is no part of a Shapefile."
                raise refuse("CONTENT_MISMATCH", message, file=name)
    folder.mkdir()
    for suffix, part in parts.items():
        part.rename(folder / f"layer{suffix}")


def _info(file: Path, encoding: str | None) -> dict[str, Any]:
    found: dict[str, Any] = pyogrio.read_info(file, encoding=encoding)
    if found["driver"] != "ESRI Shapefile":
        raise pyogrio.errors.DataSourceError(f"it was taken for {found['driver']}")
    return found


def _columns(file: Path, encoding: str | None) -> frozenset[str]:
    return frozenset(str(name).strip() for name in _info(file, encoding)["fields"])


def _table(file: Path, sheet: str, name: str, encoding: str | None, max_bytes: int) -> Table:
    count = int(_info(file, encoding)["features"])
    refuse_many_rows(name, count, sheet)
    points = Points()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what GDAL wonders about is found by our own checks
        with pyogrio.open_arrow(file, encoding=encoding, use_pyarrow=True, batch_size=20_000) as (meta, reader):
            plain = [
                field.name for field in reader.schema if field.name != meta["geometry_name"] and field.name != _GEOMETRY
            ]
            nested = [field for field in plain if is_nested(reader.schema.field(field).type)]
            plain = [field for field in plain if field not in nested]
            titles = column_names([str(field).strip() for field in plain], name, 1, sheet)
            reserved_free(titles, name)
            texts = Texts(titles, name, max_bytes)
            geometry = next(
                (field for field in (meta["geometry_name"], _GEOMETRY) if field in reader.schema.names), None
            )
            for batch in reader:
                for title, field in zip(titles, plain, strict=True):
                    texts.add(title, batch.column(field))
                for blob in batch.column(geometry).to_pylist() if geometry else [None] * batch.num_rows:
                    points.add_wkb(blob)
    if not points.x:
        raise refuse("FILE_EMPTY", f"The Shapefile {sheet[:60]!r} of {name} holds no feature.", file=name)
    crs = crs_name(meta["crs"], name) if meta["crs"] else None
    frame = pl.DataFrame([*texts.columns(), *points.columns()])
    said = None if file.with_suffix(".cpg").exists() or encoding else str(meta["encoding"])
    notes = [ReadingNote(code="ENCODING_ASSUMED", details={"detail": said}, value="no .cpg")] if said else []
    return Table(
        file=name,
        sheet=sheet,
        frame=frame,
        rows=pl.int_range(1, frame.height + 1, dtype=pl.Int64, eager=True).alias("row"),
        width=frame.width,
        notes=(*points.notes(crs), *notes),
        header=0,
        crs=crs,
        faults=tuple(points.faults),
    )
