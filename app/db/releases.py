"""Releases: the projection of the truth into what is published, one version after the other."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select, text, update

from app.db import bulk, zooms
from app.db.queries import query, sql
from app.db.tables import pub_partner, release

SITE = (
    "id",
    "dataset_id",
    "own_id",
    "geom",
    "coordinate_uncertainty_m",
    "location_precision",
    "country",
    "n_visits",
    "first_sampled",
    "last_sampled",
    "soc_stock",
    "soc_stock_reason",
    "soc_content",
    "synthetic",
)
OBSERVATION = (
    "id",
    "site_id",
    "visit_id",
    "dataset_id",
    "geom",
    "coordinate_uncertainty_m",
    "location_precision",
    "property",
    "value",
    "qualifier",
    "uncertainty",
    "status",
    "method",
    "top_cm",
    "bottom_cm",
    "layer_kind",
    "horizon",
    "sampled_from",
    "sampled_to",
    "date_precision",
    "flags",
    "synthetic",
)
TERMS = (
    "id",
    "slug",
    "title",
    "description",
    "licence",
    "licence_url",
    "licence_class",
    "citation",
    "doi",
    "source_url",
    "owners",
    "sampling_design",
    "location_precision",
    "synthetic",
    "n_sites",
    "n_observations",
)


DECLARED = tuple(name for name in TERMS if name not in {"owners", "n_sites", "n_observations"})
"""Columns of the published terms that are those of the dataset's record."""


@dataclass(frozen=True, kw_only=True)
class Changed:
    """Rows of one kind that a release began and ended."""

    added: int = 0
    changed: int = 0
    removed: int = 0

    def __add__(self, other: "Changed") -> "Changed":
        return Changed(
            added=self.added + other.added, changed=self.changed + other.changed, removed=self.removed + other.removed
        )

    @property
    def rows(self) -> int:
        """How many rows were touched."""
        return self.added + self.changed + self.removed


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What a release changed of a dataset."""

    sites: Changed = Changed()
    observations: Changed = Changed()
    terms: Changed = Changed()

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(
            sites=self.sites + other.sites,
            observations=self.observations + other.observations,
            terms=self.terms + other.terms,
        )


def await_turn(connection: Connection) -> None:
    """Wait until no other transaction publishes, and keep the turn: what is read from here on stays true.

    Whoever also changes datasets or their observations holds their rows first (datasets.hold): an import has them
    before it publishes, and two that wait for each other would never end.
    """
    connection.execute(query("await_turn"))


def begin(connection: Connection, *, kind: str, summary: str, content: str, dataset: UUID | None = None) -> int:
    """Open the next release and return its number. content : what identifies the change, hashed into the release."""
    return int(
        connection.scalar(
            query("new_release"), {"kind": kind, "summary": summary, "content": content, "dataset": dataset}
        )
    )


def seal(connection: Connection, number: int, changes: Changes, **more: Any) -> None:
    """Say what a release changed, and make its hash one over its rows. Nothing may be written to it afterwards."""
    said = json.dumps({**asdict(changes), **more})
    connection.execute(query("say_changes"), {"release": number, "changes": said})
    connection.execute(text("SELECT core.seal_release(:release)"), {"release": number})


def current(connection: Connection) -> int:
    """Number of the latest release; 0 before the first."""
    return int(connection.scalar(select(func.max(release.c.number))) or 0)


def latest(connection: Connection) -> Any | None:
    """The latest release's row, None before the first."""
    return connection.execute(select(release).order_by(release.c.number.desc()).limit(1)).first()


def shown(connection: Connection, dataset: UUID) -> Row[Any] | None:
    """The published terms of a dataset, or the last that it had: then `released_to` is not empty. None: never any."""
    return connection.execute(query("shown_dataset"), {"dataset": dataset}).first()


def history(connection: Connection, dataset: UUID) -> Sequence[Row[Any]]:
    """Releases that are about a dataset, the newest first."""
    return connection.execute(query("history_of_dataset"), {"dataset": dataset}).all()


def take_down(
    connection: Connection, dataset: UUID, *, kind: str, summary: str, changes: Mapping[str, Any], with_figures: bool
) -> int | None:
    """End what is published of a dataset at once, on behalf of a role that may not read it.

    with_figures : whether the figures that rest on it end as well. The job publish_dataset settles the rest.
    Returns the number of the release; 0 where nothing was published; None where another publication has the turn, and
    only the job can do it.
    """
    found = connection.scalar(
        text("SELECT core.take_down(:dataset, :kind, :summary, CAST(:changes AS jsonb), :with_figures)"),
        {
            "dataset": dataset,
            "kind": kind,
            "summary": summary,
            "changes": json.dumps(dict(changes)),
            "with_figures": with_figures,
        },
    )
    return None if found is None else int(found)


def unsettled(connection: Connection, dataset: UUID) -> int | None:
    """The release that took a dataset down and left the rest to a job, while nothing was released of it since."""
    found = connection.scalar(query("unsettled_release"), {"dataset": dataset})
    return None if found is None else int(found)


def close_dataset(connection: Connection, dataset: UUID, number: int) -> Changes:
    """End what is published of a dataset with this release."""
    ended = connection.execute(query("close_dataset"), {"dataset": dataset, "release": number}).one()
    return Changes(
        sites=Changed(removed=ended.n_sites),
        observations=Changed(removed=ended.n_observations),
        terms=Changed(removed=1),
    )


def publish_dataset(connection: Connection, dataset: UUID, number: int) -> Changes:
    """Make the present state of a dataset what is published of it. Rows that did not change keep their release."""
    sites = _bring(connection, dataset, number, "site")
    observations = _bring(connection, dataset, number, "observation")
    return Changes(sites=sites, observations=observations, terms=_bring_terms(connection, dataset, number))


_POINT = ("geom_3857", "morton")
"""What follows from the published position, computed once a site."""
_COLUMNS: Mapping[zooms.Kind, tuple[str, ...]] = {"site": SITE, "observation": OBSERVATION}
_PLANNED: Mapping[zooms.Kind, str] = {
    "site": "place, replaces, id, morton",
    "observation": "place, replaces, id, morton, property, site_id",
}
"""What queries of staged rows are planned by; statistics of positions and lists take as long as finding the rows."""
_OF_POSITION: Mapping[zooms.Kind, str] = {
    "site": "pub.web_mercator(w.geom), pub.morton_key(w.geom)",
    "observation": "w.geom_3857, w.morton",
}


def _bring(connection: Connection, dataset: UUID, number: int, kind: zooms.Kind) -> Changed:
    """End the points of one kind that are not as they should be, and begin those that are missing."""
    columns = _COLUMNS[kind]
    parts = {
        "{table}": f"pub.{kind}",
        "{wanted}": sql(f"{kind}s_as_published"),
        "{names}": ", ".join((*columns, *_POINT)),
        "{all_columns}": f"{_listed('w', columns)}, {_OF_POSITION[kind]}",
        "{columns}": _listed("w", columns),
        "{now}": _listed("c", columns),
        "{staged}": _listed("s", (*columns, *_POINT)),
    }

    def run(name: str, **parameters: Any) -> Any:
        return connection.execute(text(_filled(name, parts)), parameters)

    run("make_staged")
    run("stage", dataset=dataset)
    found = Changed(**run("count_staged").one()._asdict())
    if found.rows:
        connection.execute(text(f"ANALYZE staged ({_PLANNED[kind]})"))
        if found.changed or found.removed:
            run("end_staged", release=number)
        zooms.choose_staged(connection, kind)
        if found.added or found.changed:
            run("begin_staged", release=number)
        zooms.drop(connection)
        bulk.refresh_statistics(connection)
    connection.execute(text("DROP TABLE staged"))
    return found


def _bring_terms(connection: Connection, dataset: UUID, number: int) -> Changed:
    """End the published terms of a dataset where they are not as they should be, and begin those that are missing."""
    parameters = {"dataset": dataset, "release": number}
    parts = {
        "{wanted}": sql("dataset_as_published"),
        "{names}": ", ".join(TERMS),
        "{columns}": _listed("w", TERMS),
        "{now}": _listed("c", TERMS),
    }
    ended = connection.scalars(text(_filled("close_terms", parts)), parameters).all()
    begun = connection.execute(text(_filled("add_terms", parts)), parameters).rowcount
    changed = sum(ended)
    return Changed(added=begun - changed, changed=changed, removed=len(ended) - changed)


def _filled(name: str, parts: Mapping[str, str]) -> str:
    """A query of ours with names of ours in its braces."""
    body = sql(name)
    for key, value in parts.items():
        body = body.replace(key, value)
    return body


def _listed(alias: str, columns: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{name}" for name in columns)


def choose_zooms(connection: Connection, number: int, since: int | None = None) -> None:
    """Choose anew which points low zooms show, near what was ended without doing so: withdrawn, or taken down at once.

    since : the earlier release that ended rows and left this to be done.
    """
    zooms.choose_released(connection, "site", number, since or number)
    zooms.choose_released(connection, "observation", number, since or number)


def publish_partners(connection: Connection, number: int) -> None:
    """Replace the published partners by their present state."""
    connection.execute(update(pub_partner).where(pub_partner.c.released_to.is_(None)).values(released_to=number))
    connection.execute(query("publish_partners"), {"release": number})


def due(connection: Connection) -> list[UUID]:
    """Datasets whose embargo is over and that are not shown yet."""
    return list(connection.scalars(query("due_datasets")))


def regions_of(connection: Connection, dataset: UUID) -> list[str]:
    """Ids of the regions in which a dataset has sites."""
    return sorted(connection.scalars(query("regions_of_dataset"), {"dataset": dataset}))


def regions_sharing(connection: Connection, regions: Sequence[str]) -> list[str]:
    """Ids of these regions and of all that share a site with one of them."""
    return sorted({*regions, *connection.scalars(query("regions_sharing"), {"regions": list(regions)})})


def site_counts(connection: Connection, regions: Sequence[str]) -> dict[tuple[str, UUID], int]:
    """Sites per region and published dataset."""
    rows = connection.execute(query("sites_of_regions"), {"regions": list(regions)})
    return {(row.region_id, row.dataset_id): row.n_sites for row in rows}


def dataset_terms(connection: Connection) -> Mapping[UUID, Any]:
    """Design, licence class, owners and synthetic mark of each published dataset."""
    return {row.id: row for row in connection.execute(query("dataset_terms"))}
