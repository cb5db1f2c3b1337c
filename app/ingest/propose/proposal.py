"""A proposal: the guesses, the questions, and the mapping that follows when all questions are answered."""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.errors import MappingInvalid
from app.ingest.mapping import MappingFile, mapping_from_json

LEAVE_OUT = "leave out"
"""The answer that leaves a column unread."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """One answer to a question. confidence : 0 to 1, how likely it looks; it decides nothing."""

    value: str
    label: str
    confidence: float = 0.0
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What only the owner of the file can say. `form` is a pattern for an answer in own words, beside the options."""

    id: str
    text: str
    options: tuple[Option, ...]
    columns: tuple[str, ...] = ()
    form: str | None = None
    example: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Guess:
    """What a column is taken for. `role` is a field, a property, `undecided` or `unknown`."""

    column: str
    position: int
    role: str
    unit: str | None
    confidence: float
    reason: str
    alternatives: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()


Builder = Callable[[Mapping[str, str]], dict[str, Any]]
"""Makes the tree of a mapping from the answers to all questions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """How a file could be read.

    `known` names the packaged mapping that fits; then there is nothing to ask. Otherwise the mapping follows from
    `answer`, and from nothing less: a question that is not answered leaves no mapping.
    """

    file: str
    sheet: str | None
    header_row: int
    layout: str
    """long: a row for each layer; wide: a row for each profile, with columns for each depth"""
    rows_looked_at: int
    columns: tuple[Guess, ...]
    questions: tuple[Question, ...]
    notes: tuple[str, ...] = ()
    known: str | None = None
    build: Builder = field(repr=False, compare=False)

    def under_terms(self) -> "Proposal":
        """The same for a dataset with registered terms: these count, so that no licence is asked."""
        return dataclasses.replace(self, questions=tuple(q for q in self.questions if q.id != "licence"))

    def answer(self, choices: Mapping[str, str]) -> MappingFile:
        """The mapping that follows from the answers, by the questions' ids.

        Raises MappingInvalid: MAPPING_INCOMPLETE names the questions that are open, ANSWER_INVALID a wrong answer.
        """
        asked = {question.id: question for question in self.questions}
        for name, choice in choices.items():
            if name not in asked:
                raise MappingInvalid(f"Nobody asked {name!r}.", code="ANSWER_INVALID", column=name)
            _check(asked[name], choice)
        left = [name for name in asked if name not in choices]
        if left:
            raise MappingInvalid(still_open(left), code="MAPPING_INCOMPLETE", file=self.file, column=left[0])
        return mapping_from_json(self.build(choices), self.file)

    def to_json(self) -> dict[str, Any]:
        """The proposal as plain dictionaries and lists."""
        return {
            "file": self.file,
            "sheet": self.sheet,
            "header_row": self.header_row,
            "layout": self.layout,
            "rows_looked_at": self.rows_looked_at,
            "known": self.known,
            "complete": not self.questions,
            "columns": [dataclasses.asdict(guess) for guess in self.columns],
            "questions": [dataclasses.asdict(question) for question in self.questions],
            "notes": list(self.notes),
        }


def still_open(ids: Sequence[str]) -> str:
    """Which questions nobody has answered, as a sentence."""
    if len(ids) == 1:
        return f"1 question is open: {ids[0]}."
    return f"{len(ids)} questions are open: {', '.join(ids)}."


def _check(question: Question, choice: str) -> None:
    values = [option.value for option in question.options]
    if choice in values or (question.form is not None and re.fullmatch(question.form, choice)):
        return
    free = f", or such as {question.example}" if question.form else ""
    message = f"{question.text} {choice!r} is no answer; possible are: {', '.join(values)}{free}."
    raise MappingInvalid(message, code="ANSWER_INVALID", column=question.id)


def shown(proposal: Proposal) -> list[str]:
    """The proposal as lines of text for a person."""
    place = f"{proposal.file}, sheet {proposal.sheet}" if proposal.sheet else proposal.file
    lines = [f"{place}: {proposal.layout} layout, {proposal.rows_looked_at} rows looked at."]
    lines += [*proposal.notes, ""]
    if proposal.known:
        return [*lines, f"Use it with --mapping {proposal.known}."]
    width = max(len(guess.column) for guess in proposal.columns)
    for guess in proposal.columns:
        unit = f" [{guess.unit}]" if guess.unit else ""
        said = f"{guess.role}{unit}, {guess.confidence:.0%}" if guess.role != "unknown" else "not read"
        lines.append(f"{guess.column:{width}}  {said}. {guess.reason}")
    for question in proposal.questions:
        lines += ["", f"{question.id}: {question.text}"]
        lines += [
            f"    {option.value:30} {option.label}{f' ({option.confidence:.0%})' if option.confidence else ''}"
            for option in question.options
        ]
        if question.form:
            lines.append(f"    or your own, such as {question.example}")
    return lines
