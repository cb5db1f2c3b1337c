"""Change one number of the science at a time, and see whether a test notices.

    python scripts/mutate_constants.py                       # a few numbers of every module: minutes
    python scripts/mutate_constants.py --all pedotransfer    # every number of one module

Works in a copy; nothing here changes. Each number standing in the code of `app/soil/<module>.py` outside the docstrings
is changed by itself: one with a decimal point grows by 1 %, a named whole number by one. Then the tests that import the
module run until the first failure. A number is `killed` if a test fails, and `survived` if all pass: then no test
would notice a wrong one. Tests that only compare the code with its page in docs do not count. 0.0, 1.0 and numbers
below 0.001, which are tolerances, are left alone. Exit code 1 if any number survived.
"""

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
GROWTH = 1.01
LEAST = 1e-3
PAGES = "test_pages_of_"
NO_FORMULAS = ("calibrations", "indicators")
"""Modules whose numbers are statements of sources and breaks of legends; the tests of the pages and the catalogue
hold them."""
CONTROLS = ("BLOCK_CELLS", "NEWTON_STEPS")
"""Named numbers that steer how long a computation takes, not what it gives."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One number in the source of a module, where it stands and what it becomes."""

    line: int
    start: int
    end: int
    old: str
    new: str


def mutants(source: str) -> list[Mutant]:
    """All numbers of a module that can be changed, in the order they stand."""
    return sorted(_mutants(source), key=lambda mutant: (mutant.line, mutant.start))


def _mutants(source: str) -> Iterator[Mutant]:
    tree = ast.parse(source)
    named = {
        id(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, int)
        if not any(isinstance(target, ast.Name) and target.id in CONTROLS for target in node.targets)
    }
    lines = source.splitlines()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or isinstance(node.value, bool) or node.end_col_offset is None:
            continue
        if isinstance(node.value, float):
            if node.value in {0.0, 1.0} or abs(node.value) < LEAST:
                continue
            new = repr(node.value * GROWTH)
        elif isinstance(node.value, int) and id(node) in named:
            new = repr(node.value + 1)
        else:
            continue
        # Columns of the syntax tree count bytes.
        old = lines[node.lineno - 1].encode()[node.col_offset : node.end_col_offset].decode()
        yield Mutant(node.lineno, node.col_offset, node.end_col_offset, old, new)


def mutated(source: str, mutant: Mutant) -> str:
    """The source with one number changed."""
    lines = source.splitlines(keepends=True)
    line = lines[mutant.line - 1].encode()
    lines[mutant.line - 1] = (line[: mutant.start] + mutant.new.encode() + line[mutant.end :]).decode()
    return "".join(lines)


def tests_of(module: str, tests: Path) -> list[Path]:
    """Test files that import a module of the science, those of the pages left out."""
    found = []
    for path in sorted([*(tests / "soil").glob("test_*.py"), *(tests / "published").glob("test_*.py")]):
        text = path.read_text(encoding="utf-8")
        imported = [
            node
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.ImportFrom)
            and (
                node.module == f"app.soil.{module}"
                or module in {n.name for n in node.names if node.module == "app.soil"}
            )
        ]
        if imported and not path.name.startswith(PAGES):
            found.append(path)
    return found


def chosen(found: list[Mutant], most: int | None) -> list[Mutant]:
    """At most so many of them, spread evenly."""
    if most is None or len(found) <= most:
        return found
    return [found[place * len(found) // most] for place in range(most)]


def notices(copy: Path, tests: list[Path]) -> str:
    """The test that fails, or nothing."""
    shared = os.environ.get("OBSERVATORY_TEST_DATA", str(ROOT.parent / "shared"))
    ran = subprocess.run(  # noqa: S603 (our own interpreter on our own files)
        [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "--no-header",
            "--tb=no",
            "-p",
            "no:cacheprovider",
            *map(str, tests),
        ],
        cwd=copy,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "OBSERVATORY_TEST_DATA": shared},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if ran.returncode == 0:
        return ""
    failed = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if not failed:
        raise RuntimeError(f"pytest ended with {ran.returncode}: {ran.stdout[-500:]}{ran.stderr[-500:]}")
    return failed[0].split(" - ")[0].removeprefix("FAILED ").removeprefix("ERROR ").rpartition("/")[2]


def main() -> int:
    """Mutate, test, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("modules", nargs="*", help="names of modules in app/soil; none means all with formulas")
    parser.add_argument("--all", action="store_true", help="every number, not a few of each module")
    parser.add_argument("--most", type=int, default=3, help="numbers of each module without --all")
    given = parser.parse_args()
    every = sorted(path.stem for path in (ROOT / "app" / "soil").glob("[a-z]*.py"))
    modules = given.modules or [module for module in every if module not in NO_FORMULAS]
    survived = killed = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        ignored = shutil.ignore_patterns("__pycache__", "static")
        for part in ("app", "tests", "migrations", "docs"):
            shutil.copytree(ROOT / part, copy / part, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", copy)
        print("| Module | Line | Number | Becomes | Verdict | Test that fails |\n|---|---|---|---|---|---|")
        for module in modules:
            path = copy / "app" / "soil" / f"{module}.py"
            source, tests = path.read_text(encoding="utf-8"), tests_of(module, copy / "tests")
            for mutant in chosen(mutants(source), None if given.all else given.most) if tests else []:
                path.write_text(mutated(source, mutant), encoding="utf-8")
                by = notices(copy, tests)
                path.write_text(source, encoding="utf-8")
                killed, survived = killed + bool(by), survived + (not by)
                verdict = "killed" if by else "**survived**"
                print(f"| {module} | {mutant.line} | {mutant.old} | {mutant.new} | {verdict} | {by} |", flush=True)
    print(f"\n{killed} killed, {survived} survived")
    return int(survived > 0)


if __name__ == "__main__":
    sys.exit(main())
