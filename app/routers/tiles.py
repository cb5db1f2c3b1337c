"""Vector tiles of the collections (OGC API – Tiles) and their descriptions."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from app import collections
from app.collections import Collection
from app.db import tiles as rows
from app.geo import tiles as matrices
from app.routers import asked, deps
from app.routers.deps import Context, Here, Reading, ReadingTiles
from app.routers.links import JSON, MVT, base, link

router = APIRouter(prefix="/collections/{collection_id}/tiles", tags=["tiles"])

CRS3857 = "http://www.opengis.net/def/crs/EPSG/0/3857"
DEFAULT_INDICATOR = "soc_stock"


@router.get("", summary="Tilesets of a collection")
def list_tilesets(request: Request, here: Here, connection: Reading, collection_id: str) -> dict[str, Any]:
    """The tile matrix sets that a collection is cut by."""
    deps.only(request)
    collection = collections.get(collection_id)
    address = f"{base(request, here)}/collections/{collection.id}/tiles"
    return {
        "links": [link(address, "self", JSON, f"Tilesets of {collection.title}")],
        "tilesets": [
            _tileset(collection, address, tms, deps.extent(here, connection, collection))
            for tms in matrices.TILE_MATRIX_SETS
        ],
    }


@router.get("/{tile_matrix_set}", summary="One tileset, as OGC metadata or as TileJSON (f=tilejson)")
def get_tileset(
    request: Request, here: Here, connection: Reading, collection_id: str, tile_matrix_set: str
) -> dict[str, Any]:
    """Where the tiles are and what is in them."""
    collection = collections.get(collection_id)
    names = [f.name for f in collection.tiles.filters]
    deps.only(request, *names)
    matrices.require(tile_matrix_set)
    address = f"{base(request, here)}/collections/{collection.id}/tiles"
    if request.query_params.get("f") != "tilejson":
        return _tileset(collection, address, tile_matrix_set, deps.extent(here, connection, collection))
    _parameters(request, here, connection, collection)
    kept = [(n, v) for n, v in request.query_params.multi_items() if n in names]
    query = urlencode([*kept, ("release", str(deps.version(request, connection).release))])
    return {
        "tilejson": "3.0.0",
        "name": collection.title,
        "description": collection.description,
        **({"attribution": collection.attribution} if collection.attribution else {}),
        "tiles": [f"{address}/{tile_matrix_set}/{{z}}/{{y}}/{{x}}?{query}"],
        "minzoom": collection.tiles.min_zoom,
        "maxzoom": collection.tiles.max_zoom,
        "bounds": list(deps.extent(here, connection, collection).box),
        "vector_layers": [{"id": collection.tiles.layer, "fields": dict(collection.tiles.fields)}],
    }


def _tileset(collection: Collection, address: str, tms: str, extent: deps.Extent) -> dict[str, Any]:
    tiles = collection.tiles
    return {
        "title": collection.title,
        "dataType": "vector",
        "crs": CRS3857,
        "tileMatrixSetURI": matrices.TILE_MATRIX_SETS[tms],
        "tileMatrixSetId": tms,
        "tileMatrixSetLimits": [
            {
                "tileMatrix": str(limit.zoom),
                "minTileRow": limit.min_row,
                "maxTileRow": limit.max_row,
                "minTileCol": limit.min_col,
                "maxTileCol": limit.max_col,
            }
            for limit in matrices.limits(extent.box, tiles.min_zoom, tiles.max_zoom)
        ],
        "layers": [{"id": tiles.layer, "dataType": "vector", "geometryDimension": _dimension(collection)}],
        "links": [
            link(f"{address}/{tms}", "self", JSON, f"{collection.title}, {tms}"),
            {
                **link(f"{address}/{tms}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}", "item", MVT, "Tiles"),
                "templated": True,
            },
            link(matrices.TILE_MATRIX_SETS[tms], "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme", JSON, tms),
        ],
    }


def _dimension(collection: Collection) -> int:
    return {"point": 0, "line": 1, "polygon": 2}[collection.tiles.geometry_type]


@router.get(
    "/{tile_matrix_set}/{tile_matrix}/{tile_row}/{tile_col}",
    summary="One vector tile",
    operation_id=".collection.vector.getTile",
    response_class=Response,
    responses={200: {"content": {MVT: {}}, "description": "A Mapbox Vector Tile, empty where nothing is"}},
)
def get_tile(
    request: Request,
    here: Here,
    connection: ReadingTiles,
    collection_id: str,
    tile_matrix_set: str,
    tile_matrix: str,
    tile_row: str,
    tile_col: str,
) -> Response:
    """A tile of a collection. With `release` in its address it never changes and may be kept for ever."""
    collection = collections.get(collection_id)
    deps.only(request, "release", *(f.name for f in collection.tiles.filters))
    matrices.require(tile_matrix_set)
    z, x, y = matrices.address(
        tile_matrix, tile_row, tile_col, min_zoom=collection.tiles.min_zoom, max_zoom=collection.tiles.max_zoom
    )
    deps.whole(request, "release", 0, least=0)
    parameters = _parameters(request, here, connection, collection)
    version = deps.version(request, connection)
    if version.unchanged:
        return Response(status_code=304, headers=dict(version.headers))
    body = rows.tile(connection, collection.id, z=z, x=x, y=y, parameters=parameters)
    return Response(body, media_type=MVT, headers=dict(version.headers))


def _parameters(request: Request, here: Context, connection: Connection, collection: Collection) -> dict[str, Any]:
    """Filters of the tile's query, with their defaults. What names no figure is refused, not drawn as an empty map."""
    values = deps.chosen(request, collection.tiles.filters)
    if collection.id == "observations":
        return {"property": values["property"] or "soc"}
    if collection.id != "regions":
        return values
    record = asked.known_indicator(values["indicator"] or DEFAULT_INDICATOR)
    upper, lower = asked.depth(values["depth"], record) or record.depths[0]
    return {
        "kind": asked.kind(values["kind"]),
        "indicator": record.id,
        "period": asked.period(values["period"], here, connection) or "all",
        "upper_cm": upper,
        "lower_cm": lower,
    }
