"""The jobs of an upload: check it, store it, write remarks into it, withdraw it, and tidy up.

Each may be killed at any moment and done again. What is being done is told on a connection of its own, so that it is
seen at once; what is stored is stored with its release and its state in one transaction.
"""

import contextlib
import dataclasses
import datetime as dt
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
from sqlalchemy import Connection, Engine

from app.db import audit, datasets, jobs, regions, releases, uploads
from app.errors import InputRefused, MappingInvalid
from app.geo import placing
from app.ingest import archives
from app.ingest.keeping import Store
from app.ingest.mapping import (
    Dataset,
    MappingFile,
    available_mappings,
    load_mapping,
    mapping_from_json,
    mapping_to_json,
)
from app.ingest.propose import propose
from app.ingest.read import Ingested, read
from app.ingest.report import Notebook, Report
from app.ingest.rules import RULES_VERSION
from app.pipelines import importing, publishing

UNUSED_KEPT_DAYS = 30
"""How long the file of an upload that was refused, rejected, cancelled or failed is kept [day]."""
KEYS_KEPT_DAYS = 7
"""How long a request with an Idempotency-Key is remembered [day]."""


class Stopped(Exception):
    """The upload is in another state than the one this job works in: somebody cancelled it, or another job took it."""


class Interrupted(Exception):
    """The worker is asked to end; the job is done again by the next one."""


class _Refused(Exception):
    """The file is refused for what stands in its report."""

    def __init__(self, fault: str, found: Ingested) -> None:
        super().__init__(fault)
        self.fault = fault
        self.found = found


@dataclass(frozen=True, kw_only=True)
class Work:
    """What the jobs of uploads need."""

    engine: Engine
    files: Store
    scratch: Path
    """Folder for what is unpacked while it is read."""
    max_bytes: int
    stopping: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, kw_only=True)
class _Telling:
    """Says what is being done with an upload, and stops the job where that is no longer wanted."""

    work: Work
    upload: UUID
    state: str

    def __call__(self, step: str, share: float | None = None) -> None:
        if self.work.stopping.is_set():
            raise Interrupted
        with self.work.engine.begin() as connection:
            if not uploads.tell(connection, self.upload, self.state, step, share):
                raise Stopped


def check_upload(work: Work, upload: UUID) -> str | None:
    """Read a file that came in and write its report; returns the new state, None where there was nothing to do.

    Where no mapping was chosen, what we understand of the columns is proposed, for its owner to confirm or correct.
    """
    with work.engine.begin() as connection:
        moved = uploads.move(
            connection, upload, ("received", "checking"), "checking", step="reading the file", progress=0.05
        )
        if not moved:
            return None
        row: Any = uploads.find(connection, upload)
    tell = _Telling(work=work, upload=upload, state="checking")
    understood = _Understood(mapping=None)
    try:
        understood = _understand(work, row, tell)
        if understood.mapping is None:
            return _end(work, upload, "checking", "checked", report=bare_report(None), **understood.values, **_NO_ROWS)
        with work.engine.connect() as connection:
            found = _read(work, connection, row, understood.mapping, tell)
            connection.rollback()
    except InputRefused as fault:
        # What we guessed or were told of the columns cannot be read: for its owner to correct, not for us to refuse.
        state = "checked" if understood.open or (row.mapping is None and row.proposal) else "refused"
        return _end(
            work,
            upload,
            "checking",
            state,
            report=bare_report(fault),
            fault=str(fault),
            **understood.values,
            **_NO_ROWS,
        )
    tell("writing the report", 0.9)
    why = unacceptable(found, strict=row.strict)
    state = "refused" if why and not understood.open else "checked"
    return _end(work, upload, "checking", state, fault=why, **understood.values, **_outcome(found))


@dataclass(frozen=True, kw_only=True)
class _Understood:
    """How a file is read. `values` are columns of the upload that follow from it."""

    mapping: MappingFile | None
    open: bool = False
    """Nobody has confirmed the mapping yet."""
    values: dict[str, Any] = field(default_factory=dict)


def _understand(work: Work, row: Any, tell: _Telling) -> _Understood:
    """The mapping that was chosen, the one that follows from the answers given, or a proposal."""
    if row.mapping is not None:
        return _Understood(mapping=mapping_of(row))
    tell("understanding the columns", 0.1)
    answers = (row.proposal or {}).get("answers")
    path = work.files.path(row.sha256)
    with archives.opened(path, row.filename, None, max_bytes=work.max_bytes, folder=work.scratch) as here:
        # Where the points would fall ranks the reference systems that coordinates may be in.
        boundaries = placing.BOUNDARIES if placing.BOUNDARIES.is_file() else None
        found = propose(here, max_bytes=work.max_bytes, boundaries=boundaries).under_terms()
    said = found.to_json()
    if answers is not None:
        chosen = load_mapping(found.known) if found.known else found.answer(answers)
        body = None if found.known else mapping_to_json(chosen)
        return _Understood(mapping=chosen, values={"proposal": said, "mapping": chosen.name, "mapping_body": body})
    mapping: MappingFile | None = None
    if found.known:
        mapping = load_mapping(found.known)
    elif not found.questions:
        mapping = found.answer({})
    return _Understood(mapping=mapping, open=True, values={"proposal": said})


def store_upload(work: Work, upload: UUID) -> str | None:
    """Read, check, store, derive and publish an accepted upload in one transaction; returns the new state."""
    with work.engine.begin() as connection:
        if not uploads.move(
            connection, upload, ("accepted", "storing"), "storing", step="reading the file", progress=0.05
        ):
            return None
        row: Any = uploads.find(connection, upload)
    tell = _Telling(work=work, upload=upload, state="storing")
    if not work.files.sound(row.sha256):
        return _end(work, upload, "storing", "failed", fault="The file that came in is no longer there. Send it again.")
    try:
        with work.engine.begin() as connection:
            datasets.hold(connection, [row.dataset_id])
            found = _read(work, connection, row, mapping_of(row), tell)
            _require_acceptable(connection, row, found)
            if found.report.rules_version != row.rules_version:
                # Accepted were the findings of other rules: nobody has seen these.
                return _reopen(work, upload, found)
            _store(connection, row, found, tell)
    except InputRefused as fault:
        return _end(work, upload, "storing", "refused", report=bare_report(fault), fault=str(fault), **_NO_ROWS)
    except _Refused as refused:
        return _end(work, upload, "storing", "refused", fault=refused.fault, **_outcome(refused.found))
    return "stored"


def _require_acceptable(connection: Connection, row: Any, found: Ingested) -> None:
    held = uploads.held(connection, row.dataset_id)
    if held is not None and held.id != row.id and not row.replaces:
        raise _Refused(holds(row.dataset_slug, held.filename), found)
    why = unacceptable(found, strict=row.strict)
    if why:
        raise _Refused(why, found)


def _store(connection: Connection, row: Any, found: Ingested, tell: _Telling) -> None:
    tell("storing", 0.5)
    # Also under an embargo: whoever ends embargoes publishes only what may be published.
    datasets.set_state(connection, row.dataset_id, "published")
    uploads.supersede(connection, row.dataset_id, row.id)
    left = importing.put(connection, row.dataset_id, row.id, found, lambda what: tell(what, 0.7))
    tell("waiting for the turn to publish", 0.8)
    releases.await_turn(connection)
    before = releases.current(connection)
    number = publishing.publish_dataset(connection, row.dataset_id, left, lambda what: tell(what, 0.85))
    # Under an embargo there is no release yet; the day it ends writes it down.
    release = number if number > before else None
    done = uploads.move(
        connection,
        row.id,
        ("storing",),
        "stored",
        release=release,
        step=None,
        progress=1,
        fault=None,
        **_outcome(found),
    )
    if not done:
        raise Stopped
    audit.record(
        connection,
        row.decided_by or row.account_id,
        "store upload",
        f"upload {row.id}",
        {"dataset": row.dataset_slug, "release": release, "rows_stored": found.report.rows_stored},
    )


def _reopen(work: Work, upload: UUID, found: Ingested) -> str | None:
    why = "The rules changed since it was accepted. Look at the new report and accept it again."
    return _end(work, upload, "storing", "checked", fault=why, **_outcome(found))


def withdraw_upload(work: Work, upload: UUID, account: UUID | None) -> int | None:
    """Take the dataset that an upload filled out of publication; returns the release, None if it was out already."""
    with work.engine.begin() as connection:
        row: Any = uploads.find(connection, upload)
        if row is None or row.state != "stored":
            return None
        number = None
        if datasets.by_id(connection, row.dataset_id).state == "published":
            number = publishing.withdraw_dataset(connection, row.dataset_slug)
        more = {} if number is None else {"release": number}
        if not uploads.move(connection, upload, ("stored",), "withdrawn", step=None, **more):
            return None
        audit.record(connection, account, "withdraw upload", f"upload {upload}", {"dataset": row.dataset_slug, **more})
        return number


def fail(work: Work, task: str, arguments: dict[str, Any]) -> None:
    """Say of an upload that a job of it was given up: after its last attempt, or because it ends its worker."""
    if task not in {"check_upload", "store_upload"}:
        return
    before = ("received", "checking") if task == "check_upload" else ("accepted", "storing")
    with work.engine.begin() as connection:
        uploads.move(
            connection,
            UUID(str(arguments["upload"])),
            before,
            "failed",
            step=None,
            fault="The service could not finish this. Nothing was stored. Operators find the reason in the log under "
            "the id of the upload. Sending the file again starts anew.",
        )


def tidy(work: Work, remarks: Path) -> int:
    """Remove files that nothing needs and requests that nobody repeats any more; returns how many files."""
    now = dt.datetime.now(dt.UTC)
    with work.engine.begin() as connection:
        uploads.forget_keys(connection, before=now - dt.timedelta(days=KEYS_KEPT_DAYS))
        kept_since = now - dt.timedelta(days=UNUSED_KEPT_DAYS)
        needed = uploads.needed_files(connection, ended_after=kept_since)
    # A file that comes in right now lies here before its row is seen: age protects it.
    removed = work.files.remove_unused(needed, older_than_s=24 * 3600)
    yesterday = (now - dt.timedelta(days=1)).timestamp()
    return removed + _sweep(remarks, yesterday) + _sweep(work.scratch, yesterday)


def _sweep(folder: Path, before: float) -> int:
    """Remove what lies in a folder since before a time: files that can be made again, and folders of killed jobs."""
    removed = 0
    for item in sorted(folder.iterdir()) if folder.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):
            if item.stat().st_mtime >= before:
                continue
            if item.is_dir():
                shutil.rmtree(item, ignore_errors=True)
            else:
                item.unlink()
            removed += 1
    return removed


# Reading -------------------------------------------------------------------------------------------------------------


def mapping_of(row: Any) -> MappingFile:
    """The mapping that an upload is read with."""
    if row.mapping_body is not None:
        return mapping_from_json(row.mapping_body, row.mapping)
    if row.mapping not in available_mappings():
        raise MappingInvalid(f"There is no mapping {row.mapping!r} any more.", code="MAPPING_NOT_FOUND")
    return load_mapping(row.mapping)


def terms(connection: Connection, dataset_id: UUID, said: Dataset | None) -> Dataset:
    """The registered terms of a dataset, which win over what a mapping or file says."""
    record = datasets.by_id(connection, dataset_id)
    known = {f.name: record._mapping[f.name] for f in dataclasses.fields(Dataset) if f.name in record._mapping}  # noqa: SLF001 - SQLAlchemy's documented name
    return Dataset(**known, contact_orcid=said.contact_orcid if said else None)


def mapping_under_terms(connection: Connection, row: Any) -> MappingFile:
    """The mapping of an upload, with the registered terms of its dataset in the place of its own."""
    mapping = mapping_of(row)
    return dataclasses.replace(mapping, dataset=terms(connection, row.dataset_id, mapping.dataset))


def _read(work: Work, connection: Connection, row: Any, mapping: MappingFile, tell: _Telling) -> Ingested:
    whole = dataclasses.replace(mapping, dataset=terms(connection, row.dataset_id, mapping.dataset))
    with opened(work, row, whole) as path:
        return read_file(work, connection, row, whole, path, tell=tell)


def read_file(
    work: Work,
    connection: Connection,
    row: Any,
    mapping: MappingFile,
    path: Path,
    *,
    tell: _Telling | None = None,
    notebook: Notebook | None = None,
) -> Ingested:
    """Read the opened file of an upload. A temporary table of the connection is used; nothing is stored."""
    if regions.count(connection, "country") == 0:
        raise InputRefused(
            "There are no countries to place sites in.", code="NO_REGIONS", suggestion="Operators run: observatory seed"
        )

    def locate(sites: pl.DataFrame) -> pl.DataFrame:
        if tell:
            tell("placing sites in countries", 0.3)
        found = importing.locate(connection, sites)
        if tell:
            tell("checking", 0.4)
        return found

    return read(
        path,
        mapping,
        today=row.created_at.date(),
        max_bytes=work.max_bytes,
        locate=locate,
        notebook=notebook,
    )


@contextlib.contextmanager
def opened(work: Work, row: Any, mapping: MappingFile) -> Iterator[Path]:
    """The file of an upload under its own name, or the unpacked folder, for the length of the block."""
    path = work.files.path(row.sha256)
    if not path.is_file():
        raise InputRefused(
            "The file that came in is no longer kept.", code="FILE_GONE", file=row.filename, suggestion="Send it again."
        )
    with archives.opened(path, row.filename, mapping, max_bytes=work.max_bytes, folder=work.scratch) as here:
        yield here


# Outcomes ------------------------------------------------------------------------------------------------------------

_NO_ROWS: dict[str, Any] = {
    "rules_version": RULES_VERSION,
    "rows_read": None,
    "rows_stored": None,
    "rows_refused": None,
    "rows_ignored": None,
}


def unacceptable(found: Ingested, *, strict: bool) -> str | None:
    """Why a file that was read cannot be stored; None where it can."""
    if found.sites.is_empty():
        return "No row could be stored; the report says why."
    if strict and found.report.rows_refused:
        return f"{found.report.rows_refused} rows were refused, and strict was asked for."
    return None


def holds(slug: str, filename: str) -> str:
    """Why a file cannot be stored beside what a dataset has."""
    return (
        f"The dataset {slug!r} has observations already, from the file {filename}. Send the file again with mode=replace "
        "to put it in their place."
    )


def _outcome(found: Ingested) -> dict[str, Any]:
    report = found.report
    return {
        "report": report.to_json(),
        "rules_version": report.rules_version,
        "rows_read": report.rows_read,
        "rows_stored": report.rows_stored,
        "rows_refused": report.rows_refused,
        "rows_ignored": report.rows_ignored,
    }


def _bare(fault: InputRefused | None) -> dict[str, Any]:
    """The report of a file that was not read to its end: what stopped it, and no row."""
    return bare_report(fault)


def bare_report(fault: InputRefused | None) -> dict[str, Any]:
    """A report without rows, with the one fault that stopped the reading."""
    report = Report(issues=(), counts={}, ledger=(), values=()).to_json()
    if fault is not None:
        report["issues"] = [
            {
                "code": fault.code,
                "severity": "error",
                "message": fault.message,
                "file": fault.file,
                "sheet": None,
                "row": fault.row,
                "column": fault.column,
                "value": fault.value,
                "suggestion": fault.suggestion,
            }
        ]
        report["counts"] = [{"code": fault.code, "severity": "error", "count": 1, "sentence": fault.message}]
        report["severities"] = {"error": 1, "warning": 0, "info": 0}
    return report


def _end(work: Work, upload: UUID, before: str, state: str, **values: Any) -> str | None:
    """Write the outcome, unless the upload is in another state by now."""
    values = {"fault": None, **values}
    with work.engine.begin() as connection:
        progress = 1 if state != "failed" else None
        done = uploads.move(connection, upload, (before,), state, step=None, progress=progress, **values)
    return state if done else None


def enqueue_check(connection: Connection, upload: UUID) -> None:
    """Ask for an upload to be checked, in the transaction that caused it."""
    jobs.enqueue(connection, "check_upload", lock=f"upload {upload}", upload=str(upload))


def enqueue_store(connection: Connection, upload: UUID) -> None:
    """Ask for an accepted upload to be stored and published."""
    jobs.enqueue(connection, "store_upload", upload=str(upload))
