"""An import in the making: its frames, and what has been decided about each of their rows.

Checks only find; what follows from a finding stands in the catalogue of rules and is done here, so that no check can
drop a row without an issue and a line in the ledger.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from app.ingest.mapping import MappingFile
from app.ingest.report import Notebook
from app.ingest.rules import RULES

FrameName = str
"""entries (rows that say where and when: of the site table, or the layer rows themselves), sites, visits, layers,
results, and `table <name>` for the rows of joined tables."""

Locate = Callable[[pl.DataFrame], pl.DataFrame]
"""Places sites in countries: site_key, longitude, latitude, country_code in; site_key, region_id, region, distance_m
(0 inside), declared, declared_distance_m and repair out, in the same order, empty where there is none. It may add the
middle that a site lies in: middle (centre, label, bounding box or town), place, middle_distance_m and radius_m."""

MIDDLES = {
    "site_key": pl.String,
    "middle": pl.String,
    "place": pl.String,
    "distance_m": pl.Float64,
    "radius_m": pl.Float64,
}
"""A site near a middle: what middle of which place, how far away, and how far the place reaches. [m]"""

_CODES = tuple(RULES)
_NUMBER = {code: number for number, code in enumerate(_CODES, start=1)}
_IGNORING = np.array([False, *(RULES[code].effect == "ignore row" for code in _CODES)])


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Rows of one frame that a rule speaks about.

    `where` has the row index `i` and whatever the rule's message names; `column` and `value` go into the issue.
    """

    code: str
    on: FrameName
    where: pl.DataFrame
    column: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The file, and sheet of a workbook, that rows of a frame come from."""

    file: str
    sheet: str | None


class Marks:
    """Which rows of a frame are refused or ignored, each by the first rule that said so, and the flags of the others."""

    def __init__(self, size: int) -> None:
        self._code: NDArray[np.uint16] = np.zeros(size, dtype=np.uint16)
        self._flags: list[tuple[NDArray[np.int64], str]] = []

    @property
    def alive(self) -> NDArray[np.bool_]:
        """Rows that nothing has stopped."""
        return np.asarray(self._code == 0)

    def alive_at(self, rows: NDArray[Any]) -> NDArray[np.bool_]:
        """Which of some rows nothing has stopped."""
        return np.asarray(self._code[rows] == 0)

    @property
    def stopped(self) -> int:
        """How many rows were stopped."""
        return int(np.count_nonzero(self._code))

    @property
    def ignored(self) -> NDArray[np.bool_]:
        """Rows that are passed over without fault."""
        return np.asarray(_IGNORING[self._code])

    @property
    def numbers(self) -> NDArray[np.uint16]:
        """The number of the rule that stopped each row, 0 for none; see `code_of`."""
        return self._code

    def stop(self, rows: NDArray[np.int64], code: str) -> None:
        """Refuse or ignore rows that nothing has stopped yet."""
        fresh = rows[self._code[rows] == 0]
        self._code[fresh] = _NUMBER[code]

    def inherit(self, rows: NDArray[np.int64], numbers: NDArray[np.uint16]) -> None:
        """Stop rows for the reason that stopped what they belong to."""
        fresh = self._code[rows] == 0
        self._code[rows[fresh]] = numbers[fresh]

    def flag(self, rows: NDArray[np.int64], code: str) -> None:
        """Flag rows that are kept."""
        self._flags.append((rows, code))

    def flags(self) -> pl.Series:
        """Flags of each row, in the order of the catalogue; mostly empty lists."""
        size = len(self._code)
        if not self._flags:
            return pl.Series("flags", [[]], dtype=pl.List(pl.String)).new_from_index(0, size)
        rows = np.concatenate([rows for rows, _ in self._flags])
        numbers = np.concatenate([np.full(len(rows), _NUMBER[code]) for rows, code in self._flags])
        both = np.unique(rows * (len(_CODES) + 1) + numbers)
        rows, numbers = np.divmod(both, len(_CODES) + 1)
        # A list column is its items behind each other and where each list begins: no row without flags costs anything.
        begins = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=size))))
        words = pl.Series(_CODES, dtype=pl.String).gather(numbers - 1)
        lists = pa.LargeListArray.from_arrays(pa.array(begins, type=pa.int64()), words.to_arrow())
        return cast("pl.Series", pl.from_arrow(lists)).cast(pl.List(pl.String)).alias("flags")


def code_of(number: int) -> str:
    """The rule behind a number of `Marks.numbers`."""
    return _CODES[number - 1]


class Draft:
    """Frames of an import, marks on their rows, and the notebook of issues."""

    def __init__(
        self,
        mapping: MappingFile,
        notebook: Notebook,
        today: dt.date,
        locate: Locate | None = None,
        uploaded: dt.date | None = None,
    ) -> None:
        self.mapping = mapping
        self.today = today
        self.uploaded = uploaded or today
        self.locate = locate
        self.located = pl.DataFrame(schema={"site_key": pl.String, "region_id": pl.String, "distance_m": pl.Float64})
        self.middles = pl.DataFrame(schema=MIDDLES)
        """Sites that lie in the middle of a country, region or town."""
        self.memo: dict[str, Any] = {}
        """What several checks need and is worth keeping between them."""
        self.notebook = notebook
        self.origins: dict[str, pl.Series] = {}
        """For columns of values that were made of others: the column that each row of layers was read from."""
        self.frames: dict[FrameName, pl.DataFrame] = {}
        self.marks: dict[FrameName, Marks] = {}
        self.places: dict[FrameName, Place] = {}

    def add(self, name: FrameName, frame: pl.DataFrame, place: Place, marks: Marks | None = None) -> None:
        """Add a frame; `marks` may be those of another frame whose rows are the same."""
        self.frames[name] = frame
        self.marks[name] = marks or Marks(frame.height)
        self.places[name] = place

    def frame(self, name: FrameName, *columns: str) -> pl.DataFrame:
        """A frame, or some of its columns, with its row index `i`, and `alive`: whether row and owner stand."""
        frame = self.frames[name].select(columns) if columns else self.frames[name]
        return frame.with_columns(
            pl.int_range(pl.len(), dtype=pl.Int64).alias("i"), pl.Series("alive", self.alive(name))
        )

    def alive(self, name: FrameName) -> NDArray[np.bool_]:
        """Rows that nothing has stopped, nor the row they belong to."""
        mine = self.marks[name].alive
        if name == "results":
            return np.asarray(mine & self.marks["layers"].alive[self.frames["results"]["layer"].to_numpy()])
        return mine

    def apply(self, finding: Finding) -> None:
        """Do what the rule says and take the finding into the report.

        Rows that are passed over are no longer spoken of; a row that is refused collects further errors, so that its
        author sees all of them at once, but no warnings.
        """
        rule = RULES[finding.code]
        rows = finding.where["i"].to_numpy()
        if not len(rows):
            return
        stays = self._spoken_of(finding.on, rows, alive=rule.severity != "error" and rule.effect != "ignore row")
        where = finding.where.filter(pl.Series(stays)) if not stays.all() else finding.where
        if not where.height:
            return
        rows = where["i"].to_numpy()
        if rule.effect in {"refuse site", "refuse row", "refuse value", "ignore row"}:
            self.marks[finding.on].stop(rows, finding.code)
        elif rule.effect == "flag":
            self.marks[finding.on].flag(rows, finding.code)
        self.notebook.count(finding.code, where.height)
        self._examples(finding, where)

    def spread(self) -> None:
        """Stop the rows of stopped sites, and the layers of stopped rows."""
        entries, layers = self.marks["entries"], self.marks["layers"]
        if "sites" in self.frames:
            site = self.frames["entries"]["site"]
            rows = site.is_not_null().arg_true().to_numpy()
            numbers = self.marks["sites"].numbers[site.drop_nulls().to_numpy()]
            entries.inherit(rows[numbers > 0], numbers[numbers > 0])
        if layers is not entries:
            entry = self.frames["layers"]["entry"]
            rows = entry.is_not_null().arg_true().to_numpy()
            numbers = entries.numbers[entry.drop_nulls().to_numpy()]
            layers.inherit(rows[numbers > 0], numbers[numbers > 0])

    def _spoken_of(self, name: FrameName, rows: NDArray[np.int64], *, alive: bool) -> NDArray[np.bool_]:
        owners = [(self.marks[name], rows)]
        if name == "results":
            owners.append((self.marks["layers"], self.frames["results"]["layer"].to_numpy()[rows]))
        stays = np.ones(len(rows), dtype=np.bool_)
        for marks, index in owners:
            stays &= marks.alive[index] if alive else ~marks.ignored[index]
        return stays

    def _read_from(self, column: str, layer: int) -> str:
        origin = self.origins.get(column)
        return column if origin is None else str(origin[layer])

    def _examples(self, finding: Finding, where: pl.DataFrame) -> None:
        place = self.places[finding.on]
        room = self.notebook.room(finding.code, place.file)
        frame = self.frames[finding.on]
        for details in where.head(room).iter_rows(named=True):
            i = int(details["i"])
            shown = {name: _shown(item) for name, item in details.items()}
            column, value = finding.column, shown.pop("value", None)
            if finding.on == "results":
                row = int(self.frames["layers"]["row"][int(frame["layer"][i])])
                column = column or self._read_from(str(frame["column"][i]), int(frame["layer"][i]))
                value = value if value is not None else str(frame["reported_value"][i])
            else:
                row = int(frame["row"][i])
            self.notebook.example(
                finding.code,
                shown,
                file=place.file,
                sheet=place.sheet,
                row=row,
                column=column or shown.get("column"),
                value=value,
            )


def _shown(item: object) -> str | None:
    if item is None:
        return None
    return f"{item:.10g}" if isinstance(item, float) else str(item)


def tally(numbers: NDArray[np.uint16]) -> tuple[int, dict[str, int], dict[str, int]]:
    """How many rows stand, are refused and are ignored, from the numbers of their marks."""
    found, times = np.unique(numbers, return_counts=True)
    counts = dict(zip(found.tolist(), times.tolist(), strict=True))
    refused = {code_of(n): count for n, count in counts.items() if n and not _IGNORING[n]}
    ignored = {code_of(n): count for n, count in counts.items() if n and _IGNORING[n]}
    return counts.get(0, 0), refused, ignored
