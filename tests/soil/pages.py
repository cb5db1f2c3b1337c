"""Reading the method pages: their tables, worked examples and equations, for the tests that recompute them."""

import inspect
import re
from pathlib import Path
from types import ModuleType

METHODS = Path(__file__).parents[2] / "docs" / "methods"


def text_of(page: str) -> str:
    return (METHODS / f"{page}.md").read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    return text_of(page).split(f"## {heading}\n")[1].split("\n## ")[0]


def table(page: str, heading: str, number: int = 0) -> list[list[str]]:
    """Rows of a table in a section, without its header; code ticks and bold marks removed."""
    blocks = [block for block in section(page, heading).split("\n\n") if block.lstrip().startswith("|")]
    lines = [line for line in blocks[number].splitlines() if line.startswith("|")][2:]
    return [[cell.strip().replace("`", "").replace("**", "") for cell in line.strip("|").split("|")] for line in lines]


def results(page: str) -> list[str]:
    """What a worked example sets in bold."""
    return re.findall(r"\*\*(.+?)\*\*", section(page, "Worked example"))


def equations(module: ModuleType) -> list[str]:
    """Lines of the indented blocks in the docstrings of a module and its public functions, single spaced."""
    functions = [
        entry
        for name, entry in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and entry.__module__ == module.__name__
    ]
    found = []
    for documented in (module, *functions):
        for block in (inspect.getdoc(documented) or "").split("\n\n"):
            lines = block.splitlines()
            if lines and all(line.startswith("    ") for line in lines):
                found += [" ".join(line.split()) for line in lines]
    return found


def public_functions(module: ModuleType) -> set[str]:
    return {
        name
        for name, entry in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and entry.__module__ == module.__name__
    }
