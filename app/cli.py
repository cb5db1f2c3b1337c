"""The command line: parse, open the database, call a pipeline, print the report.

Exit codes: 0 done; 1 the input was refused, or a check failed; 2 wrong usage; 3 this machine or configuration cannot
run the service.
"""

import contextlib
import dataclasses
import datetime as dt
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from app import logs, worker
from app.commands import accounts as people
from app.commands.regions import regions_app
from app.db import audit, datasets, jobs, migrations, releases, session
from app.db.session import Database
from app.errors import InputRefused, NotFound, ObservatoryError, RefusedFile, SetupFault
from app.ingest import propose as proposals
from app.ingest.columns import template_csv
from app.ingest.mapping import Dataset, available_mappings, load_mapping, mapping_to_toml
from app.ingest.template import template_xlsx
from app.pipelines import exporting, importing, publishing, rechecking, seeding, validating
from app.settings import Settings

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
SYNTHETIC = "synthetic-demonstration-set"

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=__doc__.splitlines()[0] if __doc__ else None,
)
# Reports go to standard output, everything else to standard error, so that a pipe gets the report only.
# What a file or user wrote is never markup: a column named "depth [cm]" must be shown whole.
out = Console(soft_wrap=True, markup=False)
err = Console(stderr=True, soft_wrap=True, markup=False)


def main() -> None:
    """Run a command; foreseen faults become a message and an exit code."""
    try:
        cli()
    except SetupFault as fault:
        _say("Cannot run:", "red", str(fault))
        sys.exit(3)
    except ObservatoryError as fault:
        _say("Refused:", "red", str(fault))
        sys.exit(1)


def _say(word: str, style: str, rest: str) -> None:
    err.print(Text.assemble((word, style), " ", rest), highlight=False)


def settings() -> Settings:
    """The configuration, or SetupFault that names what is wrong in it."""
    try:
        found = Settings()
    except ValidationError as fault:
        wrong = "; ".join(f"{e['loc'][-1]}: {e['msg']}" for e in fault.errors())
        raise SetupFault(f"The configuration is wrong: {wrong}") from None
    logs.configure(found)
    return found


@contextmanager
def database(purpose: str, *, schema: bool = True) -> Iterator[tuple[Database, Engine]]:
    """The database and an engine for work; the private one is brought to the schema of this version."""
    found = settings()
    with session.opened(found, purpose=purpose) as here, prepared(found, here, schema=schema) as engine:
        yield here, engine


@contextmanager
def prepared(found: Settings, here: Database, *, schema: bool = True) -> Iterator[Engine]:
    """An engine for work on an open database; the private one is brought to the schema of this version."""
    if schema:
        with session.disposing(here.owner_engine()) as owner:
            migrations.require(owner, ours=found.database_url is None)
    with session.disposing(here.worker_engine()) as engine:
        yield engine


@contextmanager
def progress(title: str) -> Iterator[Callable[[str], None]]:
    """A line that says what is being done and for how long."""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=not err.is_terminal) as bar:
        task = bar.add_task(title)

        def tell(what: str) -> None:
            bar.update(task, description=f"{title}: {what}")

        yield tell


cli.add_typer(people.keys_app(database, out), name="keys")
cli.add_typer(people.accounts_app(database, out), name="accounts")
cli.add_typer(regions_app(database, out), name="regions")


@cli.command()
def serve(
    *,
    first_seed: Annotated[
        bool, typer.Option("--seed", help="First load the samples, if there is no release yet.")
    ] = False,
) -> None:
    """Serve the API and the map."""
    import uvicorn  # noqa: PLC0415 - the other commands need no server

    from app import main as service  # noqa: PLC0415 - likewise

    found = settings()
    _require_free(found.host, found.port)
    # The server ends by the signal it got; made an exception, the database is stopped in order as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    shown = "127.0.0.1" if found.host == "0.0.0.0" else found.host  # noqa: S104 - compared, not bound
    with service.opened(found) as here, contextlib.suppress(KeyboardInterrupt):
        if first_seed:
            with prepared(found, here) as engine:
                _seed(here, engine, if_new=True)
        _introduce(found, here)
        _say("Map:", "bold", f"http://{shown}:{found.port}/map/  (Ctrl-C stops)")
        # After the schema is there: two processes must not bring it at once.
        with worker.Supervisor() if found.worker else contextlib.nullcontext():
            uvicorn.run(
                service.create_app(found, here),
                host=found.host,
                port=found.port,
                log_config=None,
                access_log=False,
                proxy_headers=True,
                timeout_graceful_shutdown=10,
            )


def _introduce(found: Settings, here: Database) -> None:
    """Print a key for the first administrator, once: only its hash is stored, and no log line has it."""
    with prepared(found, here) as engine, engine.begin() as connection:
        key = people.first_key(connection)
    if key:
        _say(
            "Key of the first administrator:", "bold", f"{key}  (shown this once; docs/accounts.md says how to use it)"
        )


def _require_free(host: str, port: int) -> None:
    import socket  # noqa: PLC0415 - only here

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as fault:
            raise SetupFault(
                f"Cannot listen on {host} port {port}: {fault.strerror}. Set OBSERVATORY_PORT to a free port."
            ) from fault


@cli.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    with database("migrating", schema=False) as (here, _), session.disposing(here.owner_engine()) as owner:
        session.check(owner)
        revision = migrations.upgrade(owner)
    out.print(f"The database is at revision {revision}.", highlight=False)


@cli.command()
def seed(
    *,
    if_new: Annotated[bool, typer.Option("--if-new", help="Only into a database without any release.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take the synthetic soil set out again.")] = False,
) -> None:
    """Load countries, partners and objectives, and the synthetic soil set that shows what the observatory does."""
    with database("seeding") as (here, engine):
        if remove:
            with progress("removing the synthetic set") as tell, engine.begin() as connection:
                number = publishing.withdraw_dataset(connection, SYNTHETIC, forget=True, progress=tell)
            out.print(f"Removed; release {number} is without it.", highlight=False)
        else:
            _seed(here, engine, if_new=if_new)


def _seed(here: Database, engine: Engine, *, if_new: bool) -> None:
    """Load the samples; with `if_new` only into a database that never had a release."""
    with engine.connect() as connection:
        if if_new and releases.current(connection):
            return
    samples = SAMPLES / "synthetic_soil.csv"
    with progress("seeding") as tell:
        with engine.begin() as connection:
            seeding.load_reference(connection, SAMPLES, tell)
        with engine.begin() as connection:
            found = importing.import_file(
                connection,
                samples,
                dataclasses.replace(load_mapping(), dataset=_synthetic()),
                max_bytes=samples.stat().st_size,
                today=dt.datetime.now(dt.UTC).date(),
                replace=True,
                progress=tell,
            )
        tell("publishing")
        worker.work(here, settings(), wait=False)
    _print_report(found)


def _synthetic() -> Dataset:
    """The terms of the synthetic set."""
    said = json.loads((SAMPLES / "synthetic_dataset.json").read_text(encoding="utf-8"))
    known = {field.name for field in dataclasses.fields(Dataset)}
    terms: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in said.items() if n in known}
    return Dataset(**terms)


@cli.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX file, or the folder of a known source.")],
    *,
    mapping: Annotated[
        str, typer.Option(help="Name or path of a mapping; standard is our documented columns.")
    ] = "standard",
    dataset: Annotated[
        str | None, typer.Option(help="Short name of the dataset; else the mapping's or the file's.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title of the dataset.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace what the dataset holds.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Store nothing if any row is refused.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the whole report as JSON to this file.")] = None,
) -> None:
    """Check a file of soil samples, store what is valid, publish it, and report every row that was refused."""
    if not file.exists():
        raise RefusedFile("There is no such file.", code="FILE_MISSING", file=str(file))
    if report and not report.parent.is_dir():
        raise InputRefused("There is no such folder to write the report to.", code="FOLDER_MISSING", file=str(report))
    chosen = load_mapping(mapping)
    with database(f"importing {file.name}") as (here, engine), progress(f"importing {file.name}") as tell:
        with engine.begin() as connection:
            found = importing.import_file(
                connection,
                file,
                chosen,
                max_bytes=settings().max_upload_mb * 1_000_000,
                today=dt.datetime.now(dt.UTC).date(),
                slug=dataset,
                title=title,
                replace=replace,
                strict=strict,
                progress=tell,
            )
        tell("publishing")
        unpublished = found.job is not None and not _published(here, engine, found.job)
    if found.report is None:
        err.print(f"The dataset {found.slug} held this very file already; nothing was changed.", highlight=False)
        return
    if report:
        report.write_text(json.dumps(found.report.to_json(), indent=2, ensure_ascii=False), encoding="utf-8")
    _print_report(found)
    if found.dataset is None:
        why = "rows were refused and --strict was given" if strict else "no row could be stored"
        _say("Nothing was stored:", "red", f"{why}.")
        raise typer.Exit(1)
    if unpublished:
        _say("Stored, not published yet:", "red", "the log says why; observatory worker tries again.")
        raise typer.Exit(1)


def _published(here: Database, engine: Engine, job: int) -> bool:
    """Do the job, or wait while another worker does it; whether it was done."""
    while True:
        worker.work(here, settings(), wait=False)
        with engine.connect() as connection:
            state = jobs.state(connection, job)
        if state != "doing":
            return state is None
        time.sleep(0.3)


@cli.command()
def validate(
    file: Annotated[Path, typer.Argument(help="A file, or the folder of a known source.")],
    *,
    mapping: Annotated[
        str | None, typer.Option(help="Name or path of a mapping; without one, as we understand the columns.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail if any row is refused.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the whole report as JSON to this file.")] = None,
) -> None:
    """Check a file by the rules that an upload meets. Stores nothing and needs no database."""
    if not file.exists():
        raise RefusedFile("There is no such file.", code="FILE_MISSING", file=str(file))
    if report and not report.parent.is_dir():
        raise InputRefused("There is no such folder to write the report to.", code="FOLDER_MISSING", file=str(report))
    chosen = load_mapping(mapping) if mapping else None
    with progress(f"checking {file.name}"):
        found = validating.validate(
            file,
            file.name,
            chosen,
            max_bytes=settings().max_upload_mb * 1_000_000,
            today=dt.datetime.now(dt.UTC).date(),
            strict=strict,
        )
    if report:
        report.write_text(json.dumps(found["report"], indent=2, ensure_ascii=False), encoding="utf-8")
    if found["report"]["tables"]:
        _print_findings(found["report"])
    if mapping is None and found["mapping"]:
        err.print(f"Read with the mapping {found['mapping']}, which fits its columns.", highlight=False)
    if not found["located"]:
        err.print("There are no boundaries here: no site was looked for in its country.", highlight=False)
    if not found["acceptable"]:
        _say("Not acceptable:", "red", found["fault"])
        raise typer.Exit(1)


@cli.command()
def propose(
    file: Annotated[Path, typer.Argument(help="Any table that can be read.")],
    country: Annotated[
        str | None, typer.Option(help="Two letters of the country; it ranks coordinate systems.")
    ] = None,
    answer: Annotated[
        list[str] | None, typer.Option(help="An answer as QUESTION=CHOICE; give one for each question.")
    ] = None,
    write: Annotated[Path | None, typer.Option(help="Write the mapping to this TOML file.")] = None,
) -> None:
    """Say what the columns of a file are taken for and why, and what only its owner can say."""
    proposal = proposals.propose(
        file, max_bytes=settings().max_upload_mb * 1_000_000, country=country, boundaries=SAMPLES / "countries.geojson"
    )
    for line in proposals.shown(proposal):
        out.print(line, highlight=False, markup=False)
    if write is not None:
        choices = {name: choice for name, _, choice in (item.partition("=") for item in answer or ())}
        write.write_text(mapping_to_toml(proposal.answer(choices)), encoding="utf-8")
        out.print(f"Wrote {write}.", highlight=False, markup=False)


@cli.command()
def mappings() -> None:
    """List the mappings for known sources."""
    for name in available_mappings():
        out.print(f"{name:24} {load_mapping(name).title}", highlight=False)


@cli.command()
def template(
    *,
    kind: Annotated[Literal["csv", "xlsx"], typer.Option("--format", help="xlsx has lists to choose from.")] = "csv",
    output: Annotated[Path | None, typer.Option(help="File to write; else it is printed.")] = None,
) -> None:
    """Print our column schema as a file to fill in."""
    body = template_csv().encode() if kind == "csv" else template_xlsx()
    if output is not None:
        output.write_bytes(body)
    elif kind == "xlsx" and sys.stdout.isatty():
        raise InputRefused("A workbook cannot be printed.", code="OUTPUT_MISSING", suggestion="Name a file: --output.")
    else:
        sys.stdout.buffer.write(body)


@cli.command()
def export(
    dataset: Annotated[str, typer.Argument(help="Short name of the dataset.")],
    *,
    output: Annotated[Path, typer.Option(help="File to write: .xlsx for glosis, .zip for csv.")],
    kind: Annotated[Literal["csv", "glosis"], typer.Option("--format", help="glosis is the workbook of FAO.")] = "csv",
    positions: Annotated[
        Literal["exact", "published"], typer.Option(help="published: as everybody sees them.")
    ] = "exact",
) -> None:
    """Write a stored dataset to a file that can be imported again without loss."""
    if not output.parent.is_dir():
        raise InputRefused("There is no such folder to write to.", code="FOLDER_MISSING", file=str(output))
    with database("exporting") as (_, engine), progress(f"exporting {dataset}"), engine.begin() as connection:
        found = datasets.called(connection, dataset)
        if found is None:
            raise NotFound(f"There is no dataset {dataset!r}.")
        written = exporting.write(connection, found.id, kind, positions, output)
        if positions == "exact":
            audit.record(connection, None, "read exact positions", f"dataset {found.id}")
    _say("Written:", "green", f"{written} layers to {output}.")


@cli.command()
def withdraw(dataset: Annotated[str, typer.Argument(help="Short name of the dataset.")]) -> None:
    """Take a dataset out of publication; it stays stored."""
    with database("withdrawing") as (_, engine), progress("withdrawing") as tell, engine.begin() as connection:
        number = publishing.withdraw_dataset(connection, dataset, progress=tell)
    out.print(f"Withdrawn; release {number} is without it.", highlight=False)


@cli.command()
def refresh() -> None:
    """Compute all stocks and indicators anew, as a new release."""
    with database("refreshing") as (_, engine), progress("refreshing") as tell, engine.begin() as connection:
        number, changed = publishing.refresh(connection, tell)
    out.print(f"Release {number}: {changed} estimates changed.", highlight=False)


@cli.command()
def recheck(
    dataset: Annotated[str | None, typer.Argument(help="Short name of the dataset; all datasets if none.")] = None,
) -> None:
    """Check stored data again by today's rules: flags change, values never."""
    with database("checking again") as (_, engine), progress("checking again") as tell:
        with engine.connect() as connection:
            held = [d.slug for d in datasets.everything(connection) if datasets.stored_upload(connection, d.id)]
        for slug in [dataset] if dataset else held:
            with engine.begin() as connection:
                found = rechecking.recheck(connection, slug, today=dt.datetime.now(dt.UTC).date(), progress=tell)
            out.print(f"{slug}: {found.changed} records changed.", highlight=False)
            for word, counts in (("new", found.added), ("gone", found.removed)):
                for code, count in counts.items():
                    out.print(f"  {word:4} {count:8} {code}", highlight=False)


@cli.command("worker")
def run_worker(
    *,
    supervised: Annotated[bool, typer.Option(hidden=True, help="End when standard input is closed.")] = False,
) -> None:
    """Do the jobs that are waiting and those that come, until interrupted."""
    with database("working") as (here, _):
        worker.work(here, settings(), wait=True, supervised=supervised)


@cli.command()
def doctor() -> None:
    """Check that this machine and configuration can run the service, and say what is in it."""
    found = settings()
    table = Table(show_header=False, box=None)
    private = found.database_url is None
    table.add_row("database", f"private, in {found.cluster_dir.resolve()}" if private else "DATABASE_URL")
    refused = True
    with session.opened(found, purpose="doctor") as here, session.disposing(here.owner_engine()) as owner:
        table.add_row("server", f"PostgreSQL {session.check(owner)}, PostGIS {session.postgis(owner)}")
        behind = migrations.pending(owner)
        table.add_row("schema", "behind: run observatory migrate" if behind else "up to date")
        if not behind:
            with session.disposing(here.web_engine(pool_size=1, timeout_s=5)) as web:
                refused = session.cannot_read_exact_positions(web)
            table.add_row("public role", "cannot read exact positions" if refused else "CAN READ EXACT POSITIONS")
            with owner.connect() as connection:
                latest = releases.latest(connection)
                said = f"{latest.number}: {latest.summary}" if latest else "none yet: run observatory seed"
                table.add_row("release", said)
                table.add_row("datasets", ", ".join(d.slug for d in datasets.everything(connection)) or "none")
                table.add_row("waiting jobs", str(jobs.waiting(connection)))
    map_built = (Path(__file__).parent / "static" / "index.html").exists()
    table.add_row("map", "built" if map_built else "not built: run make web")
    out.print(table)
    if behind or not map_built or not refused:
        raise typer.Exit(1)


def _print_report(found: importing.Imported) -> None:
    """The ledger, and each reason with its count and first example."""
    if found.report is None:
        return
    out.print(f"Dataset {found.slug}", highlight=False)
    _print_findings(found.report.to_json())


def _print_findings(report: dict[str, Any]) -> None:
    ledger = Table("file", "rows read", "stored", "refused", "ignored", box=None)
    for part in report["tables"]:
        name = part["file"] if part["sheet"] is None else f"{part['file']} [{part['sheet']}]"
        counts = (part["rows_read"], part["stored"], sum(part["refused"].values()), sum(part["ignored"].values()))
        ledger.add_row(name, *(str(n) for n in counts))
    out.print(ledger)
    if not report["counts"]:
        return
    first = {issue["code"]: issue for issue in reversed(report["issues"])}
    reasons = Table("code", "severity", "count", "first example", box=None)
    for counted in report["counts"]:
        issue = first[counted["code"]]
        column = f", {issue['column']}" if issue["column"] else ""
        place = "" if issue["row"] is None else f"row {issue['row']}{column}: "
        reasons.add_row(counted["code"], issue["severity"], str(counted["count"]), f"{place}{issue['message']}")
    out.print(reasons)


if __name__ == "__main__":
    main()
