"""Stored observations meet today's rules: flags change, values never; and profiles of other datasets, which may be the same."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import polars as pl
from sqlalchemy import Connection

from app.db import datasets, duplicates, rechecks
from app.errors import InputRefused, MappingInvalid, NotFound
from app.ingest.checks import STORED_CODES
from app.ingest.mapping import MappingFile, load_mapping, mapping_from_json
from app.ingest.review import Reviewed, review
from app.ingest.rules import RULES, RULES_VERSION
from app.pipelines import importing
from app.pipelines.comparing import find_duplicates, publish_again
from app.pipelines.deriving import derive
from app.pipelines.progress import Progress, silent

__all__ = ["LISTED_MAX", "Rechecked", "find_duplicates", "recheck"]

LISTED_MAX = 200
"""Records listed in a run that would be refused today; the counts are always complete."""


_KEY = ["kind", "record", "code"]


@dataclass(frozen=True, kw_only=True)
class Rechecked:
    """What today's rules changed: findings, flags that are new and gone, per code, and how many records changed."""

    slug: str
    counts: Mapping[str, int]
    added: Mapping[str, int]
    removed: Mapping[str, int]
    changed: int


def recheck(connection: Connection, slug: str, *, today: dt.date, progress: Progress = silent) -> Rechecked:
    """Check what a dataset holds by today's rules and bring its flags in step; values and rows stay as they are.

    What would be refused today is flagged and listed in the run. Flags that a reviewer dismissed stay dismissed. Where
    flags changed, stocks are computed anew and the dataset is published again. Raises NotFound, and InputRefused where
    nothing is stored.
    """
    record = datasets.find(connection, slug)
    if record is None:
        raise NotFound(f"There is no dataset {slug!r}.")
    datasets.hold(connection, [record.id])
    upload = datasets.stored_upload(connection, record.id)
    stored = rechecks.stored(connection, record.id)
    if upload is None or stored.sites.is_empty():
        raise InputRefused(f"The dataset {slug!r} holds no observations.", code="NOTHING_STORED")
    progress(f"checking {slug}")
    found = review(
        stored.sites,
        stored.visits,
        stored.layers,
        stored.results,
        mapping=_mapping(upload),
        file=upload.filename,
        today=today,
        uploaded=upload.created_at.date(),
        locate=lambda sites: importing.locate(connection, sites),
        peers=rechecks.peers(connection, record.id),
    )
    before = _flags(stored, stored.sites["flags"], stored.layers["flags"], stored.results["flags"])
    after = _flags(stored, found.sites, found.layers, found.results)
    after = _decided(after, rechecks.decisions(connection, record.id))
    new = after.join(before, on=_KEY, how="anti")
    gone = before.join(after, on=_KEY, how="anti")
    progress("writing flags")
    _write(connection, after, pl.concat([new, gone]))
    duplicates.find(connection, record.id)
    marked = duplicates.mark(connection, record.id)
    result = Rechecked(
        slug=slug,
        counts=dict(found.counts),
        added=_tally(new),
        removed=_tally(gone),
        changed=pl.concat([new, gone]).select("kind", "record").n_unique() + marked,
    )
    _record(connection, record.id, found, result)
    if result.changed:
        derive(connection, record.id)
        publish_again(connection, record.id)
    return result


def _decided(flags: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """Flags without those that a reviewer dismissed, and with restored ones that no check of today would find again."""
    dismissed = pl.col("dismissed")
    back = decisions.filter(~dismissed & ~pl.col("code").is_in(list(STORED_CODES))).select(_KEY)
    kept = flags.join(decisions.filter(dismissed), on=_KEY, how="anti")
    return pl.concat([kept, back.filter(pl.col("code") != "POSSIBLE_DUPLICATE")]).unique(maintain_order=True)


def _mapping(upload: Any) -> MappingFile:
    """The mapping that a file was read with; where it is gone, our own schema without its demands on methods."""
    if upload.mapping_body is not None:
        return mapping_from_json(upload.mapping_body)
    try:
        return load_mapping(upload.mapping or "standard")
    except MappingInvalid:
        return dataclasses.replace(load_mapping(), glosis_methods=False)


def _flags(stored: rechecks.Stored, sites: pl.Series, layers: pl.Series, results: pl.Series) -> pl.DataFrame:
    """All flags, one row each: kind, record, code."""
    parts = (
        ("site", stored.sites["id"], sites),
        ("layer", stored.layers["id"].cast(pl.String), layers),
        ("result", _result_records(stored.results), results),
    )
    return pl.concat(
        [
            pl.DataFrame({"record": record, "code": flags.alias("code")})
            .filter(pl.col("code").list.len() > 0)
            .explode("code")
            .select(pl.lit(kind).alias("kind"), "record", pl.col("code").cast(pl.String))
            for kind, record, flags in parts
        ]
    )


def _result_records(results: pl.DataFrame) -> pl.Series:
    return results.select(record=pl.concat_str("layer_id", "place", separator="/"))["record"]


def _write(connection: Connection, flags: pl.DataFrame, changed: pl.DataFrame) -> None:
    """Write the flags of records that changed, and of layers one of whose values did."""
    lists = flags.group_by("kind", "record", maintain_order=True).agg("code")
    none = pl.Series([[]], dtype=pl.List(pl.String))

    def of(kind: str, records: pl.Series) -> pl.DataFrame:
        own = lists.filter(pl.col("kind") == kind).select("record", "code")
        joined = pl.DataFrame({"record": records}).join(own, on="record", how="left", maintain_order="left")
        return joined.select("record", flags=pl.col("code").fill_null(none))

    touched = changed.select("kind", record=pl.col("record").str.split("/").list.first()).unique()
    sites = touched.filter(pl.col("kind") == "site")["record"]
    rechecks.write_site_flags(connection, of("site", sites).rename({"record": "id"}))
    layers = touched.filter(pl.col("kind") != "site")["record"].unique()
    values = _values_by_layer(flags, layers)
    rows = of("layer", layers).join(values, on="record", how="left", maintain_order="left")
    rechecks.write_layer_flags(connection, rows.select(id="record", flags="flags", result_flags="result_flags"))


def _values_by_layer(flags: pl.DataFrame, layers: pl.Series) -> pl.DataFrame:
    """Flags of the values of some layers as JSON: record, result_flags such as {"1": ["VALUE_UNUSUAL"]}."""
    parts = pl.col("record").str.split("/")
    return (
        flags.filter(pl.col("kind") == "result")
        .select(parts.list.get(0).alias("record"), parts.list.get(1).alias("place"), "code")
        .filter(pl.col("record").is_in(layers.implode()))
        .group_by("record", "place", maintain_order=True)
        .agg(pl.format('"{}"', "code").str.join(", ").alias("codes"))
        .group_by("record", maintain_order=True)
        .agg(pl.format('"{}": [{}]', "place", "codes").str.join(", ").alias("inner"))
        .select("record", result_flags="{" + pl.col("inner") + "}")
    )


def _tally(flags: pl.DataFrame) -> dict[str, int]:
    counts = flags.group_by("code").len()
    order = {code: place for place, code in enumerate(RULES)}
    return dict(sorted(counts.iter_rows(), key=lambda item: order.get(item[0], len(order))))


def _record(connection: Connection, dataset: UUID, found: Reviewed, result: Rechecked) -> None:
    impossible = [issue for issue in found.issues if issue.severity == "error"][:LISTED_MAX]
    rechecks.record_run(
        connection,
        dataset,
        RULES_VERSION,
        {
            "counts": dict(result.counts),
            "added": dict(result.added),
            "removed": dict(result.removed),
            "changed": result.changed,
            "impossible": [
                {"code": issue.code, "row": issue.row, "column": issue.column, "message": issue.message}
                for issue in impossible
            ],
        },
    )
