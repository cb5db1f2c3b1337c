"""Figures as answers spell them: documents, tables (CSV) and citations."""

import csv
import datetime as dt
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Connection, Row

from app.db import estimates
from app.ingest.cells import guarded_text
from app.routers import citing_figures
from app.routers.asked import State
from app.routers.citing import MEDIA
from app.routers.citing_figures import CitedFigure
from app.routers.links import CSV, JSON, link, with_query
from app.routers.schemas import Estimate, Period, Region
from app.soil.estimate import ESTIMATORS, MEANING_DESCRIPTIVE, MEANING_REPRESENTATIVE, NOTES, REFUSALS
from app.soil.indicators import INDICATORS, Indicator

CITATIONS = ("bibtex", "csl", "datacite")
FORMS = ("json", "csv", *CITATIONS)

COLUMNS = (
    "region",
    "region_name",
    "indicator",
    "unit",
    "upper_cm",
    "lower_cm",
    "period",
    "value",
    "sd",
    "se",
    "median",
    "q1",
    "q3",
    "interval_lower",
    "interval_upper",
    "interval_level",
    "df",
    "representative",
    "indicative",
    "n_sites",
    "n_units",
    "n_owners",
    "estimator",
    "basis",
    "notes",
    "refused",
    "synthetic",
    "changed_in_release",
    "method_version",
    "datasets",
    "licences",
    "release",
)
"""Columns of a table of figures; docs/api.md says what each holds."""


def estimate_document(row: Row[Any]) -> dict[str, Any]:
    """One estimate as the API, the map and the documentation spell it."""
    record = INDICATORS[row.indicator]
    document: Estimate = {
        "indicator": row.indicator,
        "title": record.title["en"],
        "unit": {"label": record.unit, "ucum": record.ucum},
        "depth": {"upper": row.upper_cm, "lower": row.lower_cm, "unit": "cm"},
        "period": period_document(row.period),
        "value": row.value,
        "sd": row.sd,
        "se": row.se,
        "median": row.median,
        "q1": row.q1,
        "q3": row.q3,
        "interval": None
        if row.lower is None
        else {
            "lower": row.lower,
            "upper": row.upper,
            "level": row.level,
            "df": row.df,
            "method": "Student t",
            "meaning": MEANING_REPRESENTATIVE if row.representative else MEANING_DESCRIPTIVE,
        },
        "representative": row.representative,
        "indicative": row.indicative,
        "n_sites": row.n_sites,
        "n_units": row.n_units,
        "n_owners": row.n_owners,
        "estimator": {"id": row.estimator, "title": ESTIMATORS[row.estimator]},
        "notes": [{"code": code, "sentence": NOTES[code]} for code in row.notes],
        "basis": row.mass_basis,
        "coverage": row.coverage,
        "quality": row.quality,
        "refused": None if row.refused is None else {"code": row.refused, "reason": REFUSALS[row.refused]},
        "synthetic": row.synthetic,
        "release": row.released_from,
        "method_version": row.method_version,
        "datasets": [{name: said for name, said in part.items() if name != "owners"} for part in row.dataset_terms],
    }
    return dict(document)


def is_plain(row: Row[Any]) -> bool:
    """Whether a figure is of all sites and of a fixed depth: others must not be mixed with it."""
    return bool(row.slice == "all" and row.mass_basis == "fixed_depth")


def period_document(period: str) -> Period:
    """A period with its first and last day."""
    if period == "all":
        return {"id": "all", "label": "all years", "start": None, "end": None}
    first, last = period.split("/")
    return {"id": period, "label": f"{first}–{last}", "start": f"{first}-01-01", "end": f"{last}-12-31"}


def region_document(region: Row[Any]) -> Region:
    """A region's names and size."""
    return {
        "id": region.id,
        "name": region.name_en,
        "names": {"en": region.name_en, "fr": region.name_fr, "es": region.name_es},
        "kind": region.kind,
        "initiative_region": region.initiative_region,
        "area_km2": round(region.area_km2, 1),
    }


def choice(record: Indicator, depth: tuple[int, int]) -> dict[str, Any]:
    """The indicator and depth that an answer is about."""
    return {
        "indicator": {
            "id": record.id,
            "title": record.title["en"],
            "titles": dict(record.title),
            "unit": {"label": record.unit, "ucum": record.ucum},
        },
        "depth": {"upper": depth[0], "lower": depth[1], "unit": "cm"},
    }


def links(address: str, request: Request, state: State, forms: Sequence[str], title: str) -> list[dict[str, Any]]:
    """Where the answer is, also as it will stay, and its other forms.

    An answer from a past release names that release everywhere, however it was asked for.
    """
    past = None if state.past is None else str(state.past)
    found = [link(with_query(address, request, f=None, as_of=past), "self", JSON, title)]
    if state.release:
        lasting = with_query(address, request, f=None, as_of=str(state.release))
        found.append(link(lasting, "memento", JSON, f"{title}, as known in release {state.release}"))
    for form in forms[1:]:
        media = {"csv": CSV, "geojson": "application/geo+json", **MEDIA}[form].partition(";")[0]
        rel = "describedby" if form in CITATIONS else "alternate"
        found.append(link(with_query(address, request, f=form, as_of=past), rel, media, f"{title}, as {form}"))
    return found


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], name: str, state: State) -> Response:
    """Rows as CSV by RFC 4180, with no text that a spreadsheet could take for a formula."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    disposition = f'attachment; filename="{name}-r{state.release}.csv"'
    headers = {**state.version.headers, "Content-Disposition": disposition}
    return Response(stream.getvalue(), media_type=CSV, headers=headers)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return guarded_text(value) if isinstance(value, str) else repr(value)


def record_of(row: Row[Any], region: Any, state: State) -> dict[str, Any]:
    """One estimate as a row of a table: COLUMNS to values."""
    unit = INDICATORS[row.indicator].unit
    named = [part["id"] or "(not shown)" for part in row.dataset_terms]
    licences = sorted({part["licence"] for part in row.dataset_terms if part["licence"]})
    return {
        "region": region.id,
        "region_name": region.name_en,
        "unit": unit,
        "interval_lower": row.lower,
        "interval_upper": row.upper,
        "interval_level": row.level,
        "basis": row.mass_basis,
        "notes": " ".join(row.notes),
        "changed_in_release": row.released_from,
        "datasets": "; ".join(named),
        "licences": "; ".join(licences),
        "release": state.release,
        **{
            name: getattr(row, name)
            for name in (
                "indicator",
                "upper_cm",
                "lower_cm",
                "period",
                "value",
                "sd",
                "se",
                "median",
                "q1",
                "q3",
                "df",
                "representative",
                "indicative",
                "n_sites",
                "n_units",
                "n_owners",
                "estimator",
                "refused",
                "synthetic",
                "method_version",
            )
        },
    }


def cited(connection: Connection, state: State, address: str, title: str, rows: Sequence[Row[Any]]) -> CitedFigure:
    """What a citation of some figures says, with the address at which they stay as they are.

    address : with the query of the question, as of the release.
    """
    made = estimates.released(connection, state.release) or dt.datetime.now(dt.UTC)
    parts: dict[str, dict[str, Any]] = {}
    unnamed = False
    for row in rows:
        for part in row.dataset_terms:
            if part["id"] is None:
                unnamed = True
            else:
                parts.setdefault(part["id"], part)
    return CitedFigure(
        title=title,
        release=state.release,
        issued=made.astimezone(dt.UTC).date(),
        address=address,
        method_versions=tuple(sorted({row.method_version for row in rows})),
        datasets=tuple(parts[name] for name in sorted(parts)),
        unnamed=unnamed,
    )


def citation(form: str, found: CitedFigure, state: State) -> Response:
    """A citation in one of CITATIONS."""
    headers = dict(state.version.headers)
    if form == "bibtex":
        return Response(citing_figures.bibtex(found), media_type=MEDIA[form], headers=headers)
    body = citing_figures.csl(found) if form == "csl" else citing_figures.datacite(found)
    return JSONResponse(body, media_type=MEDIA[form], headers=headers)
