"""The import contracts hold, and break when someone leaves the room."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the code and its contracts that a test may spoil."""
    shutil.copytree(ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("static", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    # The copy must win over the installed package of the same name.
    environment = {**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "200"}
    return subprocess.run(
        [LINT_IMPORTS, "--no-cache"], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )


def broken(report: str) -> list[str]:
    """Names of the contracts that a report calls broken."""
    return [line.removesuffix(" BROKEN") for line in report.splitlines() if line.endswith(" BROKEN")]


def test_contracts_hold(tree: Path):
    found = lint(tree)
    assert found.returncode == 0, found.stdout
    assert " 0 broken" in found.stdout


@pytest.mark.parametrize(
    ("module", "forbidden", "contract"),
    [
        ("soil/carbon.py", "import fastapi", "science touches nothing"),
        ("soil/carbon.py", "import fastapi", "only routers and main know HTTP"),
        ("soil/carbon.py", "from app.db import samples", "rooms: each line may import the lines below it"),
        ("soil/depth.py", "import os", "science touches nothing"),
        ("pipelines/importing.py", "import fastapi", "only routers and main know HTTP"),
        ("db/items.py", "from app.routers import deps", "rooms: each line may import the lines below it"),
        ("geo/tiles.py", "from app.soil import depth", "rooms: each line may import the lines below it"),
        ("identity/roles.py", "import sqlalchemy", "identity knows no database"),
        ("identity/keys.py", "import starlette", "only routers and main know HTTP"),
        ("db/accounts.py", "from app.identity import roles", "rooms: each line may import the lines below it"),
        ("ingest/read.py", "from app.db import samples", "files are read without a database"),
    ],
)
def test_forbidden_import_breaks_its_contract(tree: Path, module: str, forbidden: str, contract: str):
    file = tree / "app" / module
    file.write_text(f"{file.read_text(encoding='utf-8')}\n{forbidden}\n", encoding="utf-8")
    found = lint(tree)
    assert found.returncode != 0
    assert contract in broken(found.stdout)
