"""What an import says back: issues with their place, and ledgers in which every row and value is accounted for."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.ingest.readers.table import Table
from app.ingest.rules import RULES, RULES_VERSION, Severity

EXAMPLES_PER_CODE = 50
"""Issues kept for each code and table; the counts are always complete."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Issue:
    """One finding at its place. `row` is counted as a spreadsheet shows it: the header is row 1."""

    code: str
    severity: Severity
    message: str
    file: str | None = None
    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    value: str | None = None
    suggestion: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TableLedger:
    """Where the rows of one table went: `rows_read == stored + refused + ignored`, always."""

    file: str
    sheet: str | None
    rows_read: int
    stored: int
    refused: Mapping[str, int] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        accounted = self.stored + sum(self.refused.values()) + sum(self.ignored.values())
        if self.rows_read != accounted:
            message = f"The ledger of {self.file} does not close: {self.rows_read} rows read, {accounted} accounted for"
            raise ValueError(message)


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueLedger:
    """Where the cells of one value column went: `values_read == stored + refused + ignored + missing`, always.

    A value of a refused or ignored row is counted under the code of its row.
    """

    file: str
    sheet: str | None
    column: str
    values_read: int
    stored: int
    missing: int
    refused: Mapping[str, int] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        accounted = self.stored + self.missing + sum(self.refused.values()) + sum(self.ignored.values())
        if self.values_read != accounted:
            message = f"The ledger of column {self.column} does not close: {self.values_read} read, {accounted} counted"
            raise ValueError(message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Issues (examples), complete counts per code, and the ledgers of tables and value columns."""

    issues: tuple[Issue, ...]
    counts: Mapping[str, int]
    ledger: tuple[TableLedger, ...]
    values: tuple[ValueLedger, ...]
    rules_version: str = RULES_VERSION

    @property
    def rows_read(self) -> int:
        """Rows found in all tables."""
        return sum(table.rows_read for table in self.ledger)

    @property
    def rows_stored(self) -> int:
        """Rows stored from all tables."""
        return sum(table.stored for table in self.ledger)

    @property
    def rows_refused(self) -> int:
        """Rows refused in all tables."""
        return sum(sum(table.refused.values()) for table in self.ledger)

    @property
    def rows_ignored(self) -> int:
        """Rows left out without fault in all tables."""
        return sum(sum(table.ignored.values()) for table in self.ledger)

    def severity_counts(self) -> dict[str, int]:
        """Findings per severity, worst first."""
        counts = {"error": 0, "warning": 0, "info": 0}
        for code, n in self.counts.items():
            counts[RULES[code].severity] += n
        return counts

    def to_json(self) -> dict[str, Any]:
        """The report as plain dictionaries and lists, ready for `json.dumps`."""
        return {
            "rules_version": self.rules_version,
            "rows": {
                "read": self.rows_read,
                "stored": self.rows_stored,
                "refused": self.rows_refused,
                "ignored": self.rows_ignored,
            },
            "severities": self.severity_counts(),
            "counts": [
                {"code": code, "severity": RULES[code].severity, "count": n, "sentence": RULES[code].sentence}
                for code, n in self.counts.items()
            ],
            "tables": [_plain(table) for table in self.ledger],
            "values": [_plain(column) for column in self.values],
            "issues": [{**_plain(issue), "page": RULES[issue.code].page} for issue in self.issues],
        }


def _plain(record: Issue | TableLedger | ValueLedger) -> dict[str, Any]:
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in asdict(record).items()}


class Notebook:
    """Collects issues while a file is read: complete counts, and a limited number of examples for each code."""

    def __init__(self, examples_per_code: int = EXAMPLES_PER_CODE) -> None:
        self.limit = examples_per_code
        self._issues: list[Issue] = []
        self._counts: Counter[str] = Counter()
        self._kept: Counter[tuple[str, str | None]] = Counter()

    def room(self, code: str, file: str | None) -> int:
        """How many more examples of this code are kept for this file."""
        return max(0, self.limit - self._kept[code, file])

    def count(self, code: str, n: int = 1) -> None:
        """Count findings without an example."""
        if n:
            self._counts[code] += n

    def example(
        self,
        code: str,
        details: Mapping[str, Any],
        *,
        file: str | None = None,
        sheet: str | None = None,
        row: int | None = None,
        column: str | None = None,
        value: str | None = None,
        suggestion: str | None = None,
    ) -> None:
        """Keep one finding as an example, without counting it; its message is filled from `details`."""
        if not self.room(code, file):
            return
        self._kept[code, file] += 1
        rule = RULES[code]
        self._issues.append(
            Issue(
                code=code,
                severity=rule.severity,
                message=rule.message.format_map({"value": value, **details}),
                file=file,
                sheet=sheet,
                row=row,
                column=column,
                value=value,
                suggestion=suggestion or rule.suggestion,
            )
        )

    def rows(self, table: Table, numbers: NDArray[np.uint16]) -> None:
        """Hear what became of each row of a table: the number of the rule that stopped it (draft.code_of), 0 for none."""

    def close(self, ledger: Iterable[TableLedger], values: Iterable[ValueLedger]) -> Report:
        """The finished report: errors first, then by file and row."""
        rank = {"error": 0, "warning": 1, "info": 2}
        order = {code: position for position, code in enumerate(RULES)}
        issues = sorted(
            self._issues,
            key=lambda issue: (rank[issue.severity], issue.file or "", issue.row or 0, order[issue.code]),
        )
        counts = dict(sorted(self._counts.items(), key=lambda item: (rank[RULES[item[0]].severity], order[item[0]])))
        return Report(issues=tuple(issues), counts=counts, ledger=tuple(ledger), values=tuple(values))
