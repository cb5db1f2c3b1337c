"""Values of layers as arrays: what goes in comes out again, whatever the order and the texts."""

from typing import Any

import polars as pl
import pytest
from sqlalchemy import Connection, text

from app.db import bulk, results

SCHEMA: dict[str, Any] = {
    "layer": pl.Int64,
    "procedure": pl.Int32,
    "value": pl.Float64,
    "reported_value": pl.String,
    "qualifier": pl.String,
    "uncertainty": pl.Float64,
    "flags": pl.List(pl.String),
}


def stored(connection: Connection, rows: list[dict[str, Any]], n_layers: int) -> list[dict[str, Any]]:
    """The rows as PostgreSQL reads them from the arrays, in the order of layers and of their values."""
    plain: dict[str, Any] = {"qualifier": "=", "uncertainty": None, "flags": []}
    frame = pl.DataFrame([{**plain, **row} for row in rows], schema=SCHEMA, orient="row")
    connection.execute(
        text(
            "CREATE TEMPORARY TABLE held (row bigint GENERATED ALWAYS AS IDENTITY, procedures int[], result_values float8[], "
            "result_texts text[], result_qualifiers text, result_uncertainties float8[], result_flags jsonb) ON COMMIT DROP"
        )
    )
    parts = [arrays for _, arrays in results.by_layer(frame, n_layers)]
    bulk.copy_parts(connection, "held", list(results.COLUMNS), parts)
    found = connection.execute(
        text(
            "SELECT h.row - 1 AS layer, a.procedure, a.value, a.reported_value, "
            "coalesce(substr(h.result_qualifiers, a.place::int, 1), '=') AS qualifier, "
            "h.result_uncertainties[a.place] AS uncertainty, "
            "ARRAY(SELECT jsonb_array_elements_text(h.result_flags -> a.place::text)) AS flags "
            "FROM held h, unnest(h.procedures, h.result_values, h.result_texts) WITH ORDINALITY "
            "AS a (procedure, value, reported_value, place) ORDER BY h.row, a.place"
        )
    )
    connection.execute(text("DROP TABLE held"))
    return [dict(row._mapping) for row in found]


def value(layer: int, procedure: int, number: float, **more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {"qualifier": "=", "uncertainty": None, "flags": []}
    return {"layer": layer, "procedure": procedure, "value": number, "reported_value": f"{number}", **plain, **more}


def test_values_come_out_as_they_went_in(connection: Connection):
    rows = [value(0, 1, 20.5), value(2, 1, 0.1), value(3, 1, 1e-7), value(0, 2, 7.0), value(3, 2, 1e22)]
    assert stored(connection, rows, 5) == sorted(rows, key=lambda row: (row["layer"], row["procedure"]))


@pytest.mark.parametrize(
    "given", ["1,5", "{", "}", "a b", 'say "x"', "back\\slash", "NULL", "null", "", " ", "µ", "1\n2", "\t", "<0,5", "'"]
)
def test_text_as_given_survives_letter_by_letter(connection: Connection, given: str):
    rows = [value(0, 1, 1.0, reported_value=given), value(1, 1, 2.0)]
    assert stored(connection, rows, 2) == rows


def test_qualifiers_uncertainties_and_flags_stay_with_their_value(connection: Connection):
    rows = [
        value(0, 1, 1.0),
        value(0, 2, 2.0, qualifier="<", flags=["A", "B"]),
        value(0, 3, 3.0, uncertainty=0.25),
        value(1, 1, 4.0),
        value(1, 3, 5.0, flags=["C"], qualifier=">"),
        value(2, 2, 6.0),
    ]
    by_column = sorted(rows, key=lambda row: (row["procedure"], row["layer"]))
    assert stored(connection, by_column, 3) == rows


def test_values_in_the_order_of_layers_are_the_same(connection: Connection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(results, "_MOST_RUNS", 3)
    rows = [value(layer, kind, layer + kind / 10) for layer in range(20) for kind in range(layer % 4)]
    assert stored(connection, rows, 20) == rows


def test_layers_are_cut_into_parts_without_loss(connection: Connection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(results, "_LAYERS_AT_ONCE", 7)
    rows = [value(layer, kind, layer * 10.0 + kind) for layer in range(50) for kind in (1, 2) if (layer + kind) % 3]
    by_column = sorted(rows, key=lambda row: (row["procedure"], row["layer"]))
    assert stored(connection, by_column, 50) == rows


def test_layers_without_any_value_are_empty_arrays(connection: Connection):
    assert stored(connection, [], 3) == []
    assert stored(connection, [value(1, 1, 2.0)], 3) == [value(1, 1, 2.0)]


def test_equal_descriptions_have_one_number_however_large_the_numbers_are():
    words = ("property", "reported_unit", "method", "laboratory", "status", "column")
    frame = pl.DataFrame(
        [{name: f"{name} {i % 5 if name == 'method' else i % 2}" for name in words} for i in range(100)]
        + [{**dict.fromkeys(words, "x"), "method": None}]
    )
    key = results._description_key(frame)
    for numbers in (key, key + results._SMALL):  # large ones are sorted, small ones looked up
        first, kind = results._kinds(numbers)
        assert len(first) == frame.unique().height == 11
        assert frame[first][kind].equals(frame)
