"""The catalogue of rules: what each code in a report means, how grave it is and what to do about it.

A rule never guesses. What is impossible is refused, what is rare is kept with a flag, what we repaired or left out is
said. `docs/rules.md` lists every rule; a test holds the page and this module together. `RULES_VERSION` changes
whenever a rule is added or decides differently, so that a stored report says which rules it was written by.
"""

from collections.abc import Mapping
from types import MappingProxyType

from app.ingest.rules.depths import DEPTH_RULES
from app.ingest.rules.files import FILE_RULES
from app.ingest.rules.positions import POSITION_RULES
from app.ingest.rules.reading import READING_RULES
from app.ingest.rules.rows import ROW_RULES
from app.ingest.rules.rule import SEVERITIES, Effect, Rule, Severity
from app.ingest.rules.values import VALUE_RULES
from app.ingest.rules.visits import VISIT_RULES

__all__ = ["RULES", "RULES_VERSION", "SEVERITIES", "Effect", "Rule", "Severity", "rules_table"]

RULES_VERSION = "1"

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.code: rule
        for group in (
            FILE_RULES,
            READING_RULES,
            ROW_RULES,
            POSITION_RULES,
            DEPTH_RULES,
            VALUE_RULES,
            VISIT_RULES,
        )
        for rule in group
    }
)
"""All rules by code, in the order in which a file meets them."""


def rules_table() -> str:
    """The catalogue as rows of a Markdown table."""
    rows = ["| code | severity | effect | rule | what to do |", "| --- | --- | --- | --- | --- |"]
    rows += [
        f"| `{rule.code}` | {rule.severity} | {rule.effect} | {_cell(rule.sentence)} | {_cell(rule.suggestion or '')} |"
        for rule in RULES.values()
    ]
    return "\n".join(rows)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
