"""The catalogue of rules: what each code in a report means, how grave it is and what to do about it.

A rule never guesses. What is impossible is refused, what is rare is kept with a flag, what we repaired or left out is
said. `docs/rules.md` lists every rule and `docs/rules` explains each; `scripts/rule_pages.py` writes them, a test holds
them together. `RULES_VERSION` changes whenever rules are released that were added or decide differently, so that a
stored report says which rules it was written by.
"""

from collections.abc import Mapping
from types import MappingProxyType

from app.ingest.rules.chemistry import CHEMISTRY_RULES
from app.ingest.rules.depths import DEPTH_RULES
from app.ingest.rules.files import FILE_RULES
from app.ingest.rules.history import HISTORY, RULES_VERSION
from app.ingest.rules.methods import METHOD_RULES
from app.ingest.rules.places import PLACE_RULES
from app.ingest.rules.positions import POSITION_RULES
from app.ingest.rules.reading import READING_RULES
from app.ingest.rules.repetition import REPETITION_RULES
from app.ingest.rules.rows import ROW_RULES
from app.ingest.rules.rule import SEVERITIES, Effect, Rule, Severity
from app.ingest.rules.values import VALUE_RULES
from app.ingest.rules.visits import VISIT_RULES

__all__ = ["HISTORY", "RULES", "RULES_VERSION", "SEVERITIES", "Effect", "Rule", "Severity"]

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.code: rule
        for group in (
            FILE_RULES,
            READING_RULES,
            ROW_RULES,
            POSITION_RULES,
            PLACE_RULES,
            DEPTH_RULES,
            VALUE_RULES,
            CHEMISTRY_RULES,
            METHOD_RULES,
            REPETITION_RULES,
            VISIT_RULES,
        )
        for rule in group
    }
)
"""All rules by code, in the order in which a file meets them."""
