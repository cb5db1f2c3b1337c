"""Sampling dates as people write them: a day, a month or only a year, never more precise than they were given."""

import datetime as dt
from collections.abc import Sequence

import polars as pl

from app.ingest.mapping import DateForm

_TIME = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
_PATTERNS: dict[DateForm, str] = {
    "day": rf"^(?<y>\d{{4}})[-/](?<m>\d{{1,2}})[-/](?<d>\d{{1,2}}){_TIME}$",
    "month": r"^(?<y>\d{4})[-/](?<m>\d{1,2})$",
    "year": r"^(?<y>\d{4})(?:\.0+)?$",
    "dd/mm/yyyy": r"^(?<d>\d{1,2})[-/.](?<m>\d{1,2})[-/.](?<y>\d{4})$",
    "mm/dd/yyyy": r"^(?<m>\d{1,2})[-/.](?<d>\d{1,2})[-/.](?<y>\d{4})$",
    "dd/mm/yy": r"^(?<d>\d{1,2})[-/.](?<m>\d{1,2})[-/.](?<yy>\d{2})$",
    "yyyymmdd": r"^(?<y>\d{4})(?<m>\d{2})(?<d>\d{2})$",
}
_SERIAL = r"^(\d{4,5})(?:\.\d+)?$"
_LAST_OF_THIS_CENTURY = "68"
_FIRST_DAY = dt.date(1899, 12, 30)


def parse_dates(text: pl.Series, forms: Sequence[DateForm]) -> pl.DataFrame:
    """First and last day of each date, and its precision.

    Returns columns sampled_from, sampled_to (date, null where missing or unreadable), date_precision (day, month, year
    or unknown) and unreadable (bool), one row for each of `text`.
    """
    words = text.unique().drop_nulls()
    frame = pl.DataFrame({"text": words}).with_columns(
        sampled_from=pl.lit(None, pl.Date), sampled_to=pl.lit(None, pl.Date), date_precision=pl.lit(None, pl.String)
    )
    for form in forms:
        frame = _read(frame, form)
    joined = pl.DataFrame({"text": text}).join(frame, on="text", how="left", maintain_order="left")
    return joined.select(
        "sampled_from",
        "sampled_to",
        pl.col("date_precision").fill_null("unknown"),
        (pl.col("text").is_not_null() & pl.col("sampled_from").is_null()).alias("unreadable"),
    )


def _read(frame: pl.DataFrame, form: DateForm) -> pl.DataFrame:
    if form == "excel":
        days = pl.col("text").str.strip_chars().str.extract(_SERIAL).cast(pl.Int64, strict=False)
        start = pl.lit(_FIRST_DAY) + pl.duration(days=days)
        return _filled(frame, start, start, "day")
    pattern = _PATTERNS[form]
    text = pl.col("text").str.strip_chars()

    def part(name: str) -> pl.Expr:
        if f"(?<{name}>" not in pattern:
            return pl.lit("1")
        return text.str.extract_groups(pattern).struct.field(name).str.zfill(2)

    year = part("y")
    if "(?<yy>" in pattern:
        year = pl.when(part("yy") <= _LAST_OF_THIS_CENTURY).then("20" + part("yy")).otherwise("19" + part("yy"))
    start = pl.concat_str(year, part("m"), part("d"), separator="-").str.to_date("%Y-%m-%d", strict=False)
    precision = form if form in {"month", "year"} else "day"
    end = {"day": start, "month": start.dt.month_end(), "year": start.dt.offset_by("1y").dt.offset_by("-1d")}[precision]
    return _filled(frame, start, end, precision)


def _filled(frame: pl.DataFrame, start: pl.Expr, end: pl.Expr, precision: str) -> pl.DataFrame:
    fresh = pl.col("sampled_from").is_null() & start.is_not_null()
    return frame.with_columns(
        sampled_from=pl.coalesce("sampled_from", start),
        sampled_to=pl.coalesce("sampled_to", end),
        date_precision=pl.when(fresh).then(pl.lit(precision)).otherwise("date_precision"),
    )
