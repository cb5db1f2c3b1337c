"""Checks of rows that say where and when, and of visits."""

import polars as pl

from app.ingest.checks.finding import rows_where
from app.ingest.columns import FAO_LAND_USE
from app.ingest.draft import Draft, Finding

FIRST_YEAR = 1840


def date_in_future(draft: Draft) -> list[Finding]:
    """A sample cannot be taken after the day of the import."""
    entries = draft.frame("entries")
    late = pl.col("sampled_from") > draft.today
    return [rows_where("DATE_IN_FUTURE", "entries", entries, late, value=pl.col("date_text"))]


def date_after_upload(draft: Draft) -> list[Finding]:
    """A sample cannot be taken after its file was sent, also when the file is checked again later."""
    entries = draft.frame("entries")
    late = (pl.col("sampled_from") > draft.uploaded) & (pl.col("sampled_from") <= draft.today)
    uploaded = pl.lit(draft.uploaded.isoformat())
    return [rows_where("DATE_AFTER_UPLOAD", "entries", entries, late, value=pl.col("date_text"), uploaded=uploaded)]


def date_too_early(draft: Draft) -> list[Finding]:
    """No soil was sampled and analysed for carbon in today's sense before the first long-term experiments."""
    entries = draft.frame("entries")
    early = pl.col("sampled_from").dt.year() < FIRST_YEAR
    return [rows_where("DATE_TOO_EARLY", "entries", entries, early, value=pl.col("date_text"))]


def land_use_unknown(draft: Draft) -> list[Finding]:
    """Land use that is no FAO code is left out; what it may mean is not guessed."""
    entries = draft.frame("entries")
    strange = pl.col("land_use").is_not_null() & ~pl.col("land_use").is_in(list(FAO_LAND_USE))
    found = rows_where(
        "ATTRIBUTE_DROPPED", "entries", entries, strange, value=pl.col("land_use"), field=pl.lit("land_use")
    )
    draft.frames["entries"] = draft.frames["entries"].with_columns(
        land_use=pl.when(strange).then(None).otherwise("land_use")
    )
    return [found]


def date_missing(draft: Draft) -> list[Finding]:
    """A profile without a date belongs to no period."""
    visits = draft.frame("visits")
    return [rows_where("DATE_MISSING", "visits", visits, pl.col("sampled_from").is_null())]


def date_year_only(draft: Draft) -> list[Finding]:
    """A year is kept as a year: said, so that its author can give more."""
    visits = draft.frame("visits")
    year = pl.col("date_precision") == "year"
    return [
        rows_where("DATE_YEAR_ONLY", "visits", visits, year, value=pl.col("sampled_from").dt.year().cast(pl.String))
    ]
