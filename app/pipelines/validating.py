"""The rules over a file of which nothing is kept: needs no database, and runs in a process of its own for a service.

python -m app.pipelines.validating        one request as JSON on standard input, the answer on standard output
"""

import contextlib
import dataclasses
import datetime as dt
import errno
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from app.errors import Busy, InputRefused, TooLarge
from app.geo import placing
from app.ingest import archives
from app.ingest.mapping import Dataset, MappingFile, load_mapping, mapping_from_json
from app.ingest.propose import propose
from app.ingest.read import read
from app.pipelines.uploading import bare_report, unacceptable

MEMORY_MB = 1_500
"""Most memory of the process that reads a file for somebody without an account [MB]."""

# What is said of a dataset matters only for what is stored and published.
_TERMS = Dataset(slug="validation", title="Validation", licence="CC0-1.0", licence_class="open")


def validate(
    path: Path,
    name: str,
    mapping: MappingFile | None,
    *,
    max_bytes: int,
    today: dt.date,
    strict: bool = False,
    boundaries: Path = placing.BOUNDARIES,
) -> dict[str, Any]:
    """Read and check a file, or the folder of a source, by the rules that an upload meets.

    name : what its author calls it. mapping : how it is read; without one, as we understand its columns, where that
        leaves no question.
    Returns filename, mapping, proposal, acceptable, fault (why not), located (whether sites were placed in countries)
    and report.
    """
    located = boundaries.is_file()
    said: dict[str, Any] = {"filename": name, "mapping": None, "proposal": None, "located": located}
    try:
        with tempfile.TemporaryDirectory(prefix="observatory-") as private, contextlib.ExitStack() as stack:
            if not path.is_dir():
                path = stack.enter_context(
                    archives.opened(path, name, mapping, max_bytes=max_bytes, folder=Path(private))
                )
            if mapping is None:
                proposal = propose(path, max_bytes=max_bytes, boundaries=boundaries if located else None)
                said["proposal"] = proposal.to_json()
                mapping = load_mapping(proposal.known) if proposal.known else proposal.answer({})
            said["mapping"] = mapping.name
            whole = dataclasses.replace(mapping, dataset=mapping.dataset or _TERMS)
            locate = placing.countries(boundaries).locate if located else None
            found = read(path, whole, today=today, max_bytes=max_bytes, locate=locate)
    except InputRefused as fault:
        return {**said, "acceptable": False, "fault": str(fault), "report": bare_report(fault)}
    why = unacceptable(found, strict=strict)
    return {**said, "acceptable": why is None, "fault": why, "report": found.report.to_json()}


def validate_apart(
    path: Path,
    name: str,
    mapping: dict[str, Any] | None,
    *,
    max_bytes: int,
    timeout_s: float,
    strict: bool,
) -> dict[str, Any]:
    """The same in a process of its own, with a limit of time and memory.

    Raises Busy where it takes too long, TooLarge where it takes too much memory.
    """
    request = {
        "path": str(path.resolve()),
        "name": name,
        "mapping": mapping,
        "max_bytes": max_bytes,
        "today": dt.datetime.now(dt.UTC).date().isoformat(),
        "strict": strict,
        "seconds": timeout_s,
    }
    # Nothing of our configuration, which may hold passwords, goes to a process that reads strangers' files.
    environment = {k: v for k, v in os.environ.items() if k in {"PATH", "LANG", "LC_ALL", "TZ", "HOME", "TMPDIR"}}
    # The folder is ours and goes with us: a process that is killed cannot tidy up what it unpacked.
    with tempfile.TemporaryDirectory(prefix="observatory-") as private:
        environment["TMPDIR"] = private
        try:
            done = subprocess.run(
                [sys.executable, "-m", "app.pipelines.validating"],
                input=json.dumps(request),
                capture_output=True,
                encoding="utf-8",
                timeout=timeout_s,
                check=False,
                cwd=Path(__file__).parents[2],
                env=environment,
            )
        except subprocess.TimeoutExpired:
            raise Busy(
                f"Checking the file takes longer than {timeout_s:g} s. Send it as an upload, or in parts."
            ) from None
    if done.returncode in {-signal.SIGKILL, -signal.SIGXCPU, -signal.SIGSEGV, -signal.SIGABRT, _OUT_OF_MEMORY}:
        raise TooLarge("Checking the file takes more memory than is given to it here. Send it as an upload.")
    if done.returncode != 0:
        raise RuntimeError(f"validating ended with {done.returncode}: {done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


_OUT_OF_MEMORY = 12


def main() -> None:
    """Answer the one request on standard input."""
    request = json.load(sys.stdin)
    limit = MEMORY_MB * 1_000_000
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    seconds = int(request["seconds"]) * 2 + 5
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = validate(
            Path(request["path"]),
            request["name"],
            None if request["mapping"] is None else mapping_from_json(request["mapping"]),
            max_bytes=request["max_bytes"],
            today=dt.date.fromisoformat(request["today"]),
            strict=request["strict"],
        )
    except BaseException as fault:
        if _for_want_of_memory(fault):
            sys.exit(_OUT_OF_MEMORY)
        raise
    json.dump(answer, sys.stdout)


def _for_want_of_memory(fault: BaseException | None) -> bool:
    """Whether memory ran out: tidying up after that may fail for the same want, and hide the first fault."""
    while fault is not None:
        if isinstance(fault, MemoryError) or (isinstance(fault, OSError) and fault.errno == errno.ENOMEM):
            return True
        # Polars panics where the system gives it no more memory or threads.
        if type(fault).__name__ == "PanicException" and re.search("memory|alloc|spawn", str(fault)):
            return True
        fault = fault.__cause__ or fault.__context__
    return False


if __name__ == "__main__":
    main()
