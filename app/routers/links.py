"""Links in answers: absolute, with rel and type, on the address the client used."""

from typing import Any
from urllib.parse import urlencode

from fastapi import Request

from app.routers.deps import Context

JSON = "application/json"
CSV = "text/csv; charset=utf-8"
GEOJSON = "application/geo+json"
MVT = "application/vnd.mapbox-vector-tile"
OTHER_FORMS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            name: {"schema": {"type": "string"}}
            for name in (
                "text/csv",
                "application/x-bibtex",
                "application/vnd.citationstyles.csl+json",
                "application/vnd.datacite.datacite+json",
            )
        },
        "description": "The figures, or with `f` a table or a citation of them",
    }
}
"""Forms of figures beside JSON, for the description of the API."""
TILESETS = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector"


def base(request: Request, here: Context) -> str:
    """Address of the service without a slash at its end."""
    return (here.settings.public_url or str(request.base_url)).rstrip("/")


def link(href: str, rel: str, kind: str, title: str) -> dict[str, Any]:
    """One link object."""
    return {"href": href, "rel": rel, "type": kind, "title": title}


def with_query(href: str, request: Request, **changes: str | None) -> str:
    """`href` with the request's own query, some parameters set or (None) left out."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in changes]
    query = urlencode([*kept, *((name, value) for name, value in changes.items() if value is not None)])
    return f"{href}?{query}" if query else href
