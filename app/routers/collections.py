"""Collections and their features (OGC API – Features, Part 1)."""

import json
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from app import collections
from app.collections import Collection
from app.db import items
from app.errors import InvalidParameter, NotFound
from app.routers import deps
from app.routers.deps import Context, Here, Reading
from app.routers.links import GEOJSON, JSON, TILESETS, base, link, with_query

router = APIRouter(prefix="/collections", tags=["features"])

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


@router.get("", summary="Collections")
def list_collections(request: Request, here: Here, connection: Reading) -> dict[str, Any]:
    """All collections of features."""
    deps.only(request)
    root = base(request, here)
    return {
        "links": [link(f"{root}/collections", "self", JSON, "Collections")],
        "collections": [_describe(c, root, here, connection) for c in collections.COLLECTIONS.values()],
    }


@router.get("/{collection_id}", summary="One collection")
def get_collection(request: Request, here: Here, connection: Reading, collection_id: str) -> dict[str, Any]:
    """What a collection holds, where and when."""
    deps.only(request)
    return _describe(collections.get(collection_id), base(request, here), here, connection)


def _describe(collection: Collection, root: str, here: Context, connection: Connection) -> dict[str, Any]:
    address = f"{root}/collections/{collection.id}"
    found = deps.extent(here, connection, collection)
    extent: dict[str, Any] = {"spatial": {"bbox": [list(found.box)], "crs": CRS84}}
    if found.days:
        extent["temporal"] = {
            "interval": [[f"{day}T00:00:00Z" if day else None for day in found.days]],
            "trs": "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian",
        }
    return {
        "id": collection.id,
        "title": collection.title,
        "description": collection.description,
        "keywords": list(collection.keywords),
        **({"attribution": collection.attribution} if collection.attribution else {}),
        "itemType": "feature",
        "extent": extent,
        "crs": [CRS84],
        "storageCrs": CRS84,
        "links": [
            link(address, "self", JSON, collection.title),
            link(f"{address}/items", "items", GEOJSON, f"{collection.title} as GeoJSON"),
            link(f"{address}/tiles", TILESETS, JSON, f"{collection.title} as vector tiles"),
        ],
    }


@router.get(
    "/{collection_id}/items",
    summary="Features",
    responses={200: {"content": {GEOJSON: {}}, "description": "A page of features"}},
)
def get_items(request: Request, here: Here, connection: Reading, collection_id: str) -> Response:
    """A page of features as GeoJSON: bbox, datetime, limit, the collection's own filters, and links to the next page."""
    collection = collections.get(collection_id)
    page = deps.page(request, collection, here.settings)
    version = deps.version(request, connection)
    if version.unchanged:
        return Response(status_code=304, headers=dict(version.headers))
    # Made whole before the first byte: a failure is still a status, and a slow client holds no connection. The limit
    # bounds what that takes.
    return Response(
        _page(request, here, connection, collection, page),
        media_type=GEOJSON,
        headers={**version.headers, "Content-Crs": f"<{CRS84}>"},
    )


def _page(request: Request, here: Context, connection: Connection, collection: Collection, page: deps.Page) -> bytes:
    """A FeatureCollection of the rows' own text, with counts and links."""
    matched = items.count(connection, collection.id, {**page.parameters, "after": None})
    found = items.page(
        connection, collection.id, collection.order, page.parameters, limit=page.limit + 1, offset=page.offset
    )
    rows = found[: page.limit]
    address = f"{base(request, here)}/collections/{collection.id}"
    links = [
        link(with_query(f"{address}/items", request), "self", GEOJSON, "This page"),
        link(address, "collection", JSON, collection.title),
    ]
    if len(found) > len(rows):
        onward = with_query(f"{address}/items", request, cursor=deps.cursor(rows[-1][0]), offset=None)
        links.append(link(onward, "next", GEOJSON, "Next page"))
    trailer: dict[str, Any] = {
        "numberReturned": len(rows),
        "timeStamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "links": links,
    }
    if matched is not None:
        trailer["numberMatched"] = matched
    features = ",\n".join(feature for _, feature in rows)
    return f'{{"type":"FeatureCollection","features":[{features}],{json.dumps(trailer)[1:]}'.encode()


@router.get(
    "/{collection_id}/items/{feature_id}",
    summary="One feature",
    responses={200: {"content": {GEOJSON: {}}, "description": "The feature"}},
)
def get_item(request: Request, here: Here, connection: Reading, collection_id: str, feature_id: str) -> Response:
    """One feature by its id."""
    collection = collections.get(collection_id)
    deps.only(request)
    missing = NotFound(f"There is no feature {feature_id!r} in {collection.id}.")
    try:
        wanted: Any = feature_id if collection.id == "regions" else deps.uuid("featureId", feature_id)
    except InvalidParameter:
        raise missing from None
    if "\x00" in feature_id:
        raise missing
    version = deps.version(request, connection)
    nothing = {"area": None, "first": None, "last": None, "after": None}
    parameters = {**nothing, **dict.fromkeys(f.name for f in collection.filters), "id": wanted}
    found = items.one(connection, collection.id, collection.order, parameters)
    if found is None:
        raise missing
    if version.unchanged:
        return Response(status_code=304, headers=dict(version.headers))
    address = f"{base(request, here)}/collections/{collection.id}"
    feature = json.loads(found[1])
    feature["links"] = [
        link(f"{address}/items/{found[0]}", "self", GEOJSON, "This feature"),
        link(address, "collection", JSON, collection.title),
    ]
    return JSONResponse(feature, media_type=GEOJSON, headers={**version.headers, "Content-Crs": f"<{CRS84}>"})
