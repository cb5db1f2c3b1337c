"""Write the pages of the rules from their catalogue: the tables of docs/rules.md and docs/rules/<CODE>.md.

    python scripts/rule_pages.py

Run it after a rule was added or changed; a test tells when it was forgotten.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from app.ingest.rules import (  # noqa: E402
    RULES,
    RULES_VERSION,
    pages,
)

index = ROOT / "docs" / "rules.md"
text = re.sub(r"Rules version: \w+;", f"Rules version: {RULES_VERSION};", index.read_text(encoding="utf-8"))
for first, table in (("| code | severity ", pages.table()), ("| version | date ", pages.history())):
    # A backslash in the table is no escape of the pattern.
    new = table.replace("\\", r"\\") + "\n"
    text = re.sub(rf"(?m)^{re.escape(first)}.*\n(?:\|.*\n?)+", new, text)
index.write_text(text, encoding="utf-8")

folder = ROOT / "docs" / "rules"
folder.mkdir(exist_ok=True)
for code, rule in RULES.items():
    (folder / f"{code}.md").write_text(pages.page(rule), encoding="utf-8")
for old in folder.glob("*.md"):
    if old.stem not in RULES:
        old.unlink()
