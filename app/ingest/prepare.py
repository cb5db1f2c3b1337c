"""Sources whose files need more than a mapping can say: what is done to them before it is applied."""

import dataclasses
from pathlib import Path

from app.ingest import glosis
from app.ingest.cells import restored
from app.ingest.mapping import MappingFile
from app.ingest.readers import Table, read_table, refuse


def prepared(path: Path, mapping: MappingFile, max_bytes: int) -> tuple[MappingFile, dict[str, Table]]:
    """The mapping to apply, and tables that were read already, by their names in it. Raises RefusedFile."""
    if mapping.prepare is None:
        return mapping, {}
    if path.is_dir():
        if mapping.main.file is None:
            message = f"{path.name} is a folder; the mapping {mapping.name} reads one file: name it."
            raise refuse("FILE_NOT_FOUND", message, file=path.name)
        path /= mapping.main.file
    if mapping.prepare == "glosis":
        return glosis.prepare(path, mapping, max_bytes)
    table = read_table(path, sheet=mapping.main.sheet, delimiter=",", encoding="utf-8", max_bytes=max_bytes)
    frame = table.frame.with_columns(restored(column) for column in table.frame.get_columns())
    return mapping, {mapping.main.name: dataclasses.replace(table, frame=frame)}
