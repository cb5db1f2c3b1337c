"""Stored observations as checks read them, and the flags that checks write back: flags change, values never."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import polars as pl
from sqlalchemy import Connection, Row, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from app.db import bulk
from app.db.queries import query, sql
from app.db.tables import flag_decision, rule_run

_SITES = {
    "id": pl.String,
    "site_key": pl.String,
    "row": pl.Int64,
    "longitude": pl.Float64,
    "latitude": pl.Float64,
    "position_text": pl.String,
    "position_crs": pl.String,
    "coord_uncertainty_m": pl.Float64,
    "country_code": pl.String,
    "cluster": pl.String,
    "flags": pl.String,
}
_VISITS = {
    "id": pl.String,
    "site_id": pl.String,
    "row": pl.Int64,
    "replicate": pl.String,
    "sampled_from": pl.Date,
    "sampled_to": pl.Date,
    "date_precision": pl.String,
    "land_use": pl.String,
}
_LAYERS = {
    "id": pl.Int64,
    "visit_id": pl.String,
    "row": pl.Int64,
    "top_cm": pl.Float64,
    "bottom_cm": pl.Float64,
    "kind": pl.String,
    "flags": pl.String,
}
_RESULTS = {
    "layer_id": pl.Int64,
    "place": pl.Int64,
    "column": pl.String,
    "property": pl.String,
    "value": pl.Float64,
    "qualifier": pl.String,
    "reported_value": pl.String,
    "reported_unit": pl.String,
    "method": pl.String,
    "status": pl.String,
    "flags": pl.String,
}
_PEERS = {
    "longitude": pl.Float64,
    "latitude": pl.Float64,
    "middle_cm": pl.Float64,
    "land_use": pl.String,
    "soc": pl.Float64,
}


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What a dataset holds; flags are lists of codes."""

    sites: pl.DataFrame
    visits: pl.DataFrame
    layers: pl.DataFrame
    results: pl.DataFrame


def stored(connection: Connection, dataset: UUID) -> Stored:
    """All sites, profiles, layers and values of a dataset, each ordered by its id."""

    def frame(name: str, schema: Mapping[str, Any]) -> pl.DataFrame:
        found = bulk.copy_out(connection, sql(name), {"dataset": dataset}, schema)
        if "flags" in found.columns:
            codes = pl.col("flags").fill_null("").str.split(" ").list.filter(pl.element() != "")
            found = found.with_columns(codes.alias("flags"))
        return found

    return Stored(
        sites=frame("stored_sites", _SITES),
        visits=frame("stored_visits", _VISITS),
        layers=frame("stored_layers", _LAYERS),
        results=frame("stored_results", _RESULTS),
    )


def peers(connection: Connection, dataset: UUID) -> pl.DataFrame:
    """Published organic carbon of other datasets near a dataset's sites, as app.ingest.checks.peers asks for it."""
    return bulk.copy_out(connection, sql("published_peers"), {"dataset": dataset}, _PEERS)


def own_peers(connection: Connection, dataset: UUID) -> pl.DataFrame:
    """Organic carbon of a dataset's own mineral layers: layer_id, place, and the columns of `peers`."""
    schema = {"layer_id": pl.Int64, "place": pl.Int64, **_PEERS}
    return bulk.copy_out(connection, sql("own_peers"), {"dataset": dataset}, schema)


def flag_values(connection: Connection, values: pl.DataFrame, code: str) -> int:
    """Put a code on values that do not carry it yet (layer_id, place: one value a layer); returns how many changed."""
    if values.is_empty():
        return 0
    connection.execute(text("CREATE TEMPORARY TABLE suspect_value (layer_id bigint, place int) ON COMMIT DROP"))
    bulk.copy_in(connection, "suspect_value", values)
    changed = connection.execute(query("flag_values"), {"code": code}).rowcount
    connection.execute(text("DROP TABLE suspect_value"))
    return int(changed)


def write_site_flags(connection: Connection, flags: pl.DataFrame) -> None:
    """Set the flags of some sites. flags : id, flags (list of codes)."""
    _write(connection, "site_flags", "id uuid, flags text[]", flags)


def write_layer_flags(connection: Connection, flags: pl.DataFrame) -> None:
    """Set the flags of some layers and of their values. flags : id, flags (list), result_flags (JSON or nothing)."""
    _write(connection, "layer_flags", "id bigint, flags text[], result_flags jsonb", flags)


def _write(connection: Connection, name: str, columns: str, flags: pl.DataFrame) -> None:
    if flags.is_empty():
        return
    connection.execute(text(f"CREATE TEMPORARY TABLE {name} ({columns}) ON COMMIT DROP"))
    bulk.copy_in(connection, name, flags)
    connection.execute(text(f"ANALYZE {name}"))
    connection.execute(query(f"write_{name}"))
    connection.execute(text(f"DROP TABLE {name}"))


def decisions(connection: Connection, dataset: UUID) -> pl.DataFrame:
    """What reviewers decided about flags: kind, record, code, dismissed."""
    columns = [flag_decision.c[name] for name in ("kind", "record", "code", "dismissed")]
    rows = connection.execute(select(*columns).where(flag_decision.c.dataset_id == dataset))
    schema = {**dict.fromkeys(("kind", "record", "code"), pl.String), "dismissed": pl.Boolean}
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


def record_run(connection: Connection, dataset: UUID, version: str, counts: Mapping[str, Any]) -> None:
    """Write down that the rules ran over what a dataset holds, and what they found."""
    connection.execute(insert(rule_run).values(dataset_id=dataset, rules_version=version, counts=dict(counts)))


def runs(connection: Connection, dataset: UUID, limit: int) -> list[Row[Any]]:
    """The latest runs over a dataset, the newest first."""
    statement = select(rule_run).where(rule_run.c.dataset_id == dataset).order_by(rule_run.c.at.desc()).limit(limit)
    return list(connection.execute(statement))


def record_flags(connection: Connection, *, observation: UUID | None, site: UUID | None) -> list[Row[Any]]:
    """Where flags of a site, or of a published value with its layer and site, are kept: dataset_id, kind, record, flags."""
    statement = text("SELECT dataset_id, kind, record, flags FROM core.record_flags(:observation, :site)")
    return list(connection.execute(statement, {"observation": observation, "site": site}))


def is_dismissed(connection: Connection, kind: str, record: str, code: str) -> bool:
    """Whether a reviewer dismissed this flag."""
    here = (flag_decision.c.kind == kind) & (flag_decision.c.record == record) & (flag_decision.c.code == code)
    return bool(connection.scalar(select(flag_decision.c.dismissed).where(here)))


def decide(
    connection: Connection,
    *,
    dataset: UUID,
    kind: str,
    record: str,
    code: str,
    dismissed: bool,
    note: str,
    account: UUID | None,
) -> None:
    """Write down that a reviewer dismissed or restored a flag; the latest word counts."""
    values = {"dismissed": dismissed, "note": note, "decided_by": account, "decided_at": func.now()}
    statement = upsert(flag_decision).values(dataset_id=dataset, kind=kind, record=record, code=code, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["kind", "record", "code"], set_=values))


def settle(connection: Connection, kind: str, record: str, code: str) -> bool:
    """Do what a reviewer decided about one flag; returns whether anything changed."""
    gone = is_dismissed(connection, kind, record, code)
    layer, _, place = record.partition("/")
    changed = connection.execute(
        query(f"settle_{kind}"), {"record": record, "layer": layer, "place": place, "code": code, "gone": gone}
    )
    return bool(changed.rowcount)
