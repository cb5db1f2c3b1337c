"""The OGC collections that the service publishes, declared.

A collection's rows come from the named queries `<id>_source` (FROM and WHERE) and `<id>_feature` (the GeoJSON text) in
`app/db/sql/items.sql`, its tiles from `<id>_tile` in `app/db/sql/tiles.sql`. Adding a collection is an entry here and
those queries; CONTRIBUTING.md has the list.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.errors import NotFound

WORLD = (-180.0, -90.0, 180.0, 90.0)


@dataclass(frozen=True, kw_only=True)
class Filter:
    """A query parameter that selects features by equality with a property."""

    name: str
    description: str
    values: tuple[str, ...] | None = None
    """Words that are allowed; any text where None."""
    kind: str = "text"
    """text or uuid."""


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """How a collection is cut into vector tiles."""

    layer: str
    geometry_type: str
    min_zoom: int = 0
    max_zoom: int = 14
    fields: Mapping[str, str]
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Collection:
    """One collection: what it is called, what may be asked of it, how it is tiled."""

    id: str
    title: str
    description: str
    table: str
    """Published table, for the extent."""
    order: str
    """Column that orders and pages the features; unique among current rows."""
    temporal: bool
    filters: tuple[Filter, ...] = ()
    tiles: Tiles
    attribution: str | None = None
    keywords: tuple[str, ...] = field(default=())


SYNTHETIC_NOTE = "Records of generated demonstration data carry synthetic = true."

OBSERVATIONS = Collection(
    id="observations",
    title="Soil observations",
    description="One feature per layer and property: value in the canonical unit, depth, date, method, licence. "
    f"Positions are generalised as their owners ask. {SYNTHETIC_NOTE}",
    table="observation",
    order="id",
    temporal=True,
    filters=(
        Filter(name="property", description="Code of the observed property, such as soc or clay."),
        Filter(name="site", description="Id of the site.", kind="uuid"),
        Filter(name="dataset", description="Short name of the dataset."),
    ),
    tiles=Tiles(
        layer="observations",
        geometry_type="point",
        fields={
            "id": "String",
            "site": "String",
            "property": "String",
            "value": "Number",
            "unit": "String",
            "upper": "Number",
            "lower": "Number",
            "year": "Number",
            "synthetic": "Boolean",
        },
        filters=(
            Filter(name="property", description="Code of the observed property; organic carbon where none is named."),
        ),
    ),
    keywords=("soil", "observation", "organic carbon"),
)

SITES = Collection(
    id="sites",
    title="Sites",
    description="Places where soil was observed, with the SOC stock 0–30 cm of the latest profile or the reason why there "
    f"is none. Positions are generalised as their owners ask. {SYNTHETIC_NOTE}",
    table="site",
    order="id",
    temporal=True,
    filters=(
        Filter(name="dataset", description="Short name of the dataset."),
        Filter(name="country", description="Region id of the country, such as country-BRA."),
    ),
    tiles=Tiles(
        layer="sites",
        geometry_type="point",
        fields={
            "id": "String",
            "dataset": "String",
            "soc_stock": "Number",
            "soc_content": "Number",
            "reason": "String",
            "last_year": "Number",
            "synthetic": "Boolean",
            "precision": "String",
        },
        filters=(Filter(name="dataset", description="Short name of the dataset."),),
    ),
    keywords=("soil", "site", "profile"),
)

REGIONS = Collection(
    id="regions",
    title="Regions",
    description="Areas that indicators are reported for. Boundaries are Natural Earth's de facto view at 1:50 million.",
    table="region",
    order="id",
    temporal=False,
    filters=(
        Filter(name="kind", description="Kind of region, such as country."),
        Filter(name="initiative_region", description="World region as the 4 per 1000 Initiative counts it."),
    ),
    tiles=Tiles(
        layer="regions",
        geometry_type="polygon",
        max_zoom=8,
        fields={
            "id": "String",
            "name": "String",
            "kind": "String",
            "value": "Number",
            "lower": "Number",
            "upper": "Number",
            "n_sites": "Number",
            "refused": "String",
            "representative": "Boolean",
            "synthetic": "Boolean",
        },
        filters=(
            Filter(name="kind", description="Kind of region; country where none is named."),
            Filter(name="indicator", description="Id of the indicator; soc_stock where none is named."),
            Filter(name="depth", description="Depth interval in cm; 0-30 where none is named."),
            Filter(
                name="period", description="all, or first and last year such as 2010/2019; all where none is named."
            ),
        ),
    ),
    attribution="Made with Natural Earth",
    keywords=("region", "country", "indicator"),
)

PARTNERS = Collection(
    id="partners",
    title="Partners",
    description="Organisations of the 4 per 1000 Initiative that its public documents name. A position is the middle of a "
    "town or a country, never an address.",
    table="partner",
    order="id",
    temporal=False,
    filters=(
        Filter(name="college", description="Stakeholder college."),
        Filter(name="country", description="ISO 3166-1 alpha-3 code of the seat."),
        Filter(name="initiative_region", description="World region as the 4 per 1000 Initiative counts it."),
    ),
    tiles=Tiles(
        layer="partners",
        geometry_type="point",
        fields={"id": "String", "name": "String", "college": "String", "country": "String", "precision": "String"},
    ),
    keywords=("4 per 1000", "partner", "organisation"),
)

COLLECTIONS = {c.id: c for c in (OBSERVATIONS, SITES, REGIONS, PARTNERS)}


def get(collection_id: str) -> Collection:
    """The declared collection; NotFound names those there are."""
    try:
        return COLLECTIONS[collection_id]
    except KeyError:
        raise NotFound(f"There is no collection {collection_id!r}. Collections: {', '.join(COLLECTIONS)}.") from None
