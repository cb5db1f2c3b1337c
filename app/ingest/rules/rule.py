"""What a rule is: its code, how grave it is, what follows, and its words."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypedDict, Unpack

Severity = Literal["error", "warning", "info"]
Effect = Literal["refuse file", "refuse site", "refuse row", "refuse value", "ignore row", "flag", "note"]

SEVERITIES: Mapping[Effect, tuple[Severity, ...]] = MappingProxyType(
    {
        "refuse file": ("error",),
        "refuse site": ("error",),
        "refuse row": ("error",),
        "refuse value": ("error",),
        "ignore row": ("info",),
        "flag": ("warning",),
        "note": ("info", "warning"),
    }
)
"""Which severities an effect may have: an error always refuses something, a warning or info never does."""

PAGES = "/docs/rules"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One rule: stable code, what it does, the sentence for the catalogue and the message for one finding.

    `message` is a format string; its names are the columns of the finding. `why`, `example` and `source` are for the
    rule's page in docs/rules; a source marked [judgement] is ours.
    """

    code: str
    severity: Severity
    effect: Effect
    sentence: str
    message: str
    suggestion: str | None = None
    why: str = ""
    example: str = ""
    source: str = ""

    @property
    def page(self) -> str:
        """Where the rule's page is served."""
        return f"{PAGES}/{self.code}"


class Words(TypedDict, total=False):
    """What the page of a rule says beside its sentence."""

    why: str
    example: str
    source: str


def file_rule(code: str, sentence: str, suggestion: str, **words: Unpack[Words]) -> Rule:
    """A rule that refuses a whole file; the reader words its message itself."""
    # The reader words each of these itself: only it knows what it met.
    return Rule(
        code=code,
        severity="error",
        effect="refuse file",
        sentence=sentence,
        message="{detail}",
        suggestion=suggestion,
        **words,
    )


def site_rule(code: str, sentence: str, message: str, suggestion: str, **words: Unpack[Words]) -> Rule:
    """A rule that refuses all rows of a site."""
    return Rule(
        code=code,
        severity="error",
        effect="refuse site",
        sentence=sentence,
        message=message,
        suggestion=suggestion,
        **words,
    )


def row_rule(code: str, sentence: str, message: str, suggestion: str, **words: Unpack[Words]) -> Rule:
    """A rule that refuses a row."""
    return Rule(
        code=code,
        severity="error",
        effect="refuse row",
        sentence=sentence,
        message=message,
        suggestion=suggestion,
        **words,
    )


def value_rule(code: str, sentence: str, message: str, suggestion: str, **words: Unpack[Words]) -> Rule:
    """A rule that refuses a value and keeps the others of its row."""
    return Rule(
        code=code,
        severity="error",
        effect="refuse value",
        sentence=sentence,
        message=message,
        suggestion=suggestion,
        **words,
    )


def flag_rule(code: str, sentence: str, message: str, suggestion: str | None = None, **words: Unpack[Words]) -> Rule:
    """A rule that keeps everything and stores its code with site, layer or value."""
    return Rule(
        code=code,
        severity="warning",
        effect="flag",
        sentence=sentence,
        message=message,
        suggestion=suggestion,
        **words,
    )


def note_rule(
    code: str,
    sentence: str,
    message: str,
    suggestion: str | None = None,
    *,
    severity: Severity = "info",
    **words: Unpack[Words],
) -> Rule:
    """A rule that keeps everything and only says so."""
    return Rule(
        code=code,
        severity=severity,
        effect="note",
        sentence=sentence,
        message=message,
        suggestion=suggestion,
        **words,
    )


def ignore_rule(code: str, sentence: str, message: str, **words: Unpack[Words]) -> Rule:
    """A rule that passes over a row without fault."""
    return Rule(code=code, severity="info", effect="ignore row", sentence=sentence, message=message, **words)
