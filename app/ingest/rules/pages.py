"""The catalogue as pages: the table of docs/rules.md, one page for each rule, and the record that the service answers."""

from typing import Any

from app.ingest.rules import RULES
from app.ingest.rules.history import HISTORY, since
from app.ingest.rules.rule import Effect, Rule

EFFECTS: dict[Effect, str] = {
    "refuse file": "Nothing of the file is stored; the message names the place.",
    "refuse site": "All rows of the site are refused; the issue is reported once for the site.",
    "refuse row": "The row is refused, whatever it holds.",
    "refuse value": "The value is refused; the other values of its row are kept.",
    "ignore row": "The row is passed over without fault.",
    "flag": "Everything is kept, and the code is stored with the site, layer or value.",
    "note": "Everything is kept, and the report says it.",
}
"""What follows from a finding, in words."""


def table() -> str:
    """The catalogue as rows of a Markdown table."""
    rows = ["| code | severity | effect | rule | what to do |", "| --- | --- | --- | --- | --- |"]
    rows += [
        f"| [`{rule.code}`](rules/{rule.code}.md) | {rule.severity} | {rule.effect} | {_cell(rule.sentence)} "
        f"| {_cell(rule.suggestion or '')} |"
        for rule in RULES.values()
    ]
    return "\n".join(rows)


def history() -> str:
    """The versions as rows of a Markdown table."""
    rows = ["| version | date | what changed |", "| --- | --- | --- |"]
    rows += [f"| {version.number} | {version.date} | {_cell(version.summary)} |" for version in HISTORY]
    return "\n".join(rows)


def page(rule: Rule) -> str:
    """The page of one rule, as Markdown."""
    parts = [
        f"# {rule.code}",
        rule.sentence,
        f"{rule.severity.capitalize()} · {rule.effect} · since version {since(rule.code)} of the [rules](../rules.md)",
        f"**What happens.** {EFFECTS[rule.effect]}",
    ]
    said = (("Why", rule.why), ("Example", rule.example), ("What to do", rule.suggestion), ("Source", rule.source))
    parts += [f"**{title}.** {text}" for title, text in said if text]
    return "\n\n".join(parts) + "\n"


def record(rule: Rule) -> dict[str, Any]:
    """A rule as the service answers it."""
    return {
        "code": rule.code,
        "severity": rule.severity,
        "effect": rule.effect,
        "sentence": rule.sentence,
        "message": rule.message,
        "suggestion": rule.suggestion,
        "why": rule.why or None,
        "example": rule.example or None,
        "source": rule.source or None,
        "since": since(rule.code),
        "page": rule.page,
    }


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
