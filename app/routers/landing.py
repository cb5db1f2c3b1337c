"""The front door: landing page, conformance, health."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy import text

from app.db import releases
from app.routers import deps
from app.routers.deps import Here, Reading
from app.routers.links import JSON, TILESETS, base, link

router = APIRouter(tags=["landing"])

TITLE = "Soil Health Observatory"
DESCRIPTION = (
    "Soil observations, soil organic carbon indicators per region with their uncertainty, and partners of the "
    "international 4 per 1000 Initiative (strategic objective E2)."
)
# Only what this service does whole; each class is held by tests.
CONFORMANCE = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/landing-page",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/mvt",
)


@router.get("/", summary="Landing page")
def landing(request: Request, here: Here, accept: Annotated[str, Header()] = "") -> Response:
    """What the service offers; browsers go on to the map."""
    deps.only(request)
    if request.query_params.get("f") != "json" and "text/html" in accept:
        return RedirectResponse("map/", status_code=303)
    root = base(request, here)
    return JSONResponse(
        {
            "title": TITLE,
            "description": DESCRIPTION,
            "links": [
                link(f"{root}/", "self", JSON, "This document"),
                link(f"{root}/openapi.json", "service-desc", "application/vnd.oai.openapi+json;version=3.1", "The API"),
                link(f"{root}/conformance", "conformance", JSON, "What the service conforms to"),
                link(f"{root}/collections", "data", JSON, "Collections of features"),
                link(f"{root}/collections", TILESETS, JSON, "Collections with vector tiles at {collection}/tiles"),
                link(f"{root}/indicators", "related", JSON, "Indicators and their periods"),
                link(f"{root}/map/", "alternate", "text/html", "Map"),
            ],
        }
    )


@router.get("/map", include_in_schema=False)
def to_map() -> Response:
    """The map lives in a folder of its own."""
    return RedirectResponse("map/", status_code=308)


@router.get("/conformance", summary="Conformance classes")
def conformance(request: Request) -> dict[str, Any]:
    """The OGC requirements classes that the service fulfils."""
    deps.only(request)
    return {"conformsTo": list(CONFORMANCE)}


@router.get("/healthz", summary="Is the process alive?")
def healthz(request: Request) -> dict[str, str]:
    """Answers without touching anything."""
    deps.only(request)
    return {"status": "ok", "version": request.app.version}


@router.get("/readyz", summary="Can the service answer?")
def readyz(request: Request, connection: Reading) -> dict[str, Any]:
    """Answers from the database, with the release that is served."""
    deps.only(request)
    connection.execute(text("SELECT 1"))
    return {"status": "ok", "release": releases.current(connection)}
