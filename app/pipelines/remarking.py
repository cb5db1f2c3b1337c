"""The file with remarks: made when somebody asks for it, fetched once or several times, removed after a day."""

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

from app.db import uploads
from app.ingest import remarks
from app.pipelines import uploading
from app.pipelines.uploading import Work

FAULT = ".fault"


def stem(row: Any) -> str:
    """The name of an upload's file with remarks: another once it is read by another mapping or other rules."""
    reading = json.dumps([row.mapping, row.mapping_body, row.rules_version, row.strict], sort_keys=True)
    return f"{row.id}-{hashlib.sha256(reading.encode()).hexdigest()[:12]}"


def made(folder: Path, row: Any) -> Path | None:
    """The file with remarks, or the mark that it could not be made; None where it is not there yet."""
    return next(iter(sorted(folder.glob(f"{stem(row)}.*"))), None)


def write(work: Work, folder: Path, upload: UUID) -> None:
    """Read the file of an upload again, keeping every finding, and write it with its remarks."""
    with work.engine.begin() as connection:
        row: Any = uploads.find(connection, upload)
    if row is None or made(folder, row):
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix="making-", dir=folder) as private:
        found = remarks.Findings(Path(private) / "findings.sqlite")
        try:
            with work.engine.connect() as connection:
                mapping = uploading.mapping_under_terms(connection, row)
                with uploading.opened(work, row, mapping) as path:
                    read = uploading.read_file(work, connection, row, mapping, path, notebook=found)
                    connection.rollback()
                    file = remarks.write(path, mapping, read.report, found, Path(private) / stem(row))
        finally:
            found.close_base()
        file.replace(folder / file.name)


def give_up(work: Work, folder: Path, upload: UUID) -> None:
    """Leave a mark that the file with remarks could not be made."""
    with work.engine.begin() as connection:
        row: Any = uploads.find(connection, upload)
    if row is not None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / f"{stem(row)}{FAULT}").touch()
