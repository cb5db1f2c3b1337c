"""Checks once more over what is stored: the same code as at import, and nothing is refused any more.

What would be refused today is flagged and listed, and kept. Only rules that need no raw text are asked again; flags of
the others stay as they are.
"""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from app.ingest.checks import STORED_CHECKS, STORED_CODES
from app.ingest.checks.peers import outliers, own_values
from app.ingest.checks.places import VAGUE_CODES
from app.ingest.draft import Draft, Finding, FrameName, Locate, Place
from app.ingest.mapping import MappingFile
from app.ingest.numbers import decimals
from app.ingest.report import Issue, Notebook
from app.ingest.rules import RULES
from app.ingest.values import RESULTS_SCHEMA


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """What today's rules say of stored rows, in the order of the frames given."""

    sites: pl.Series
    layers: pl.Series
    results: pl.Series
    counts: Mapping[str, int]
    issues: tuple[Issue, ...]


class _Review(Draft):
    """A draft in which nothing is refused: every finding becomes a flag."""

    def apply(self, finding: Finding) -> None:
        """Flag and count; a finding about dates is about the layers of the profile, which alone carry flags."""
        rows = finding.where["i"].to_numpy()
        if not len(rows):
            return
        self.notebook.count(finding.code, len(rows))
        self._examples(finding, finding.where)
        if RULES[finding.code].effect == "note":
            return
        if finding.on in {"visits", "entries"}:
            visit = self.frames["layers"]["visit"]
            self.marks["layers"].flag(np.flatnonzero(visit.is_in(rows.tolist()).to_numpy()), finding.code)
        else:
            self.marks[finding.on].flag(rows, finding.code)

    def flags_of(self, name: FrameName, stored: pl.Series) -> pl.Series:
        """Flags as they should be: those found now, and stored ones that no check of today decides."""
        found = self.marks[name].flags()
        fixed = stored.list.filter(~pl.element().is_in(list(STORED_CODES)))
        return pl.DataFrame({"found": found, "fixed": fixed}).select(
            flags=pl.col("fixed").list.concat("found").list.unique(maintain_order=True)
        )["flags"]


def review(
    sites: pl.DataFrame,
    visits: pl.DataFrame,
    layers: pl.DataFrame,
    results: pl.DataFrame,
    *,
    mapping: MappingFile,
    file: str,
    today: dt.date,
    uploaded: dt.date,
    locate: Locate | None = None,
    peers: pl.DataFrame | None = None,
) -> Reviewed:
    """Check stored rows by today's rules.

    sites, visits, layers, results : as `app.db.rechecks.stored` gives them. mapping : the one the file was read with.
    uploaded : the day the file came in. peers : published values of other datasets to compare carbon with.
    """
    crs = str(sites["position_crs"][0]) if sites.height else mapping.crs
    as_stored = dataclasses.replace(mapping, crs=crs, area=None, western_longitudes=False)
    draft = _Review(as_stored, Notebook(), today, locate, uploaded)
    place = Place(file=file, sheet=None)
    draft.add("sites", _sites(sites), place)
    numbered = visits.join(
        sites.select(pl.col("id").alias("site_id"), pl.int_range(pl.len(), dtype=pl.UInt32).alias("site")),
        on="site_id",
        how="left",
        maintain_order="left",
    )
    draft.add("visits", numbered, place)
    draft.add("entries", numbered.with_columns(date_text=pl.col("sampled_from").cast(pl.String)), place)
    draft.add("layers", _numbered(layers, "visit_id", visits["id"], "visit"), place)
    frame = _numbered(results, "layer_id", layers["id"], "layer").drop("flags")
    typed = [pl.col(name).cast(kind) for name, kind in RESULTS_SCHEMA.items() if name in frame.columns]
    draft.add("results", frame.with_columns(typed), place)
    for check in STORED_CHECKS:
        for finding in check(draft):
            draft.apply(finding)
    if peers is not None and peers.height:
        draft.apply(Finding(code="PEER_OUTLIER", on="results", where=outliers(own_values(draft), peers)))
    report = draft.notebook.close([], [])
    return Reviewed(
        sites=draft.flags_of("sites", sites["flags"]),
        layers=draft.flags_of("layers", layers["flags"]),
        results=draft.flags_of("results", results["flags"]),
        counts=report.counts,
        issues=report.issues,
    )


def _sites(sites: pl.DataFrame) -> pl.DataFrame:
    """Sites with the coordinates as they were given, and the uncertainty only where the contributor gave it."""
    parts = sites["position_text"].str.split(" ")
    texts = {
        name: parts.list.get(place, null_on_oob=True).alias(f"{name}_text")
        for place, name in enumerate(("longitude", "latitude"))
    }
    ours = pl.col("flags").list.set_intersection(list(VAGUE_CODES)).list.len() > 0
    return sites.with_columns(
        *texts.values(),
        pl.Series("coord_decimals", _decimals(texts)),
        coord_uncertainty_m=pl.when(~ours).then("coord_uncertainty_m"),
    )


def _decimals(texts: Mapping[str, pl.Series]) -> NDArray[Any]:
    first, second = (decimals(text.fill_null("")).to_numpy() for text in texts.values())
    return np.asarray(np.maximum(first, second))


def _numbered(frame: pl.DataFrame, column: str, ids: pl.Series, name: str) -> pl.DataFrame:
    """The frame with the place of what each row belongs to."""
    places = pl.DataFrame({column: ids, name: pl.int_range(len(ids), dtype=pl.UInt32, eager=True)})
    return frame.join(places, on=column, how="left", maintain_order="left")
