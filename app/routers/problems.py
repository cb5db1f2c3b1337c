"""Errors as problem documents (RFC 9457), and one table from exception to status."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount

from app import errors
from app.logs import redacted

STATUS: dict[type[errors.ObservatoryError], HTTPStatus] = {
    errors.InputRefused: HTTPStatus.BAD_REQUEST,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.Busy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SetupFault: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ObservatoryError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
RETRY_AFTER_S = "5"
TYPE_BASE = "urn:soil-health-observatory:problem:"
MEDIA_TYPE = "application/problem+json"
FAULTS_MAX = 20
"""Most faults of one request that are listed."""


def _described(said: dict[HTTPStatus, str]) -> dict[str, dict[str, Any]]:
    """Answers that are problem documents, as OpenAPI describes them."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(int(status)): {"description": text, "content": content} for status, text in said.items()}


RESPONSES: dict[int | str, dict[str, Any]] = {
    int(status): answer
    for status, answer in _described(
        {
            HTTPStatus.BAD_REQUEST: "A parameter is malformed or unknown; the answer names it.",
            HTTPStatus.NOT_FOUND: "There is no such thing.",
            HTTPStatus.TOO_MANY_REQUESTS: "More requests than the documented limit; try again after Retry-After seconds.",
            HTTPStatus.SERVICE_UNAVAILABLE: "No answer in time; try again after Retry-After seconds.",
        }
    ).items()
}
"""What any endpoint may answer beside its own."""

SECURED = _described(
    {
        HTTPStatus.UNAUTHORIZED: "It needs an account, or the key or token that was sent is not valid.",
        HTTPStatus.FORBIDDEN: "The account, or the key that was used, may not do this.",
        HTTPStatus.CONFLICT: "It contradicts what is stored, or the state it is in.",
    }
)
"""What endpoints may answer beside that, where they ask who the caller is."""

BODIED = _described({HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than the documented limit."})
"""What endpoints may answer that take a body."""

SCHEMA = {
    "title": "Problem",
    "description": "A problem document (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["parameter", "detail"],
                "properties": {"parameter": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}

log = structlog.get_logger()


def problem(
    request_path: str,
    status: HTTPStatus,
    kind: str,
    detail: str,
    *,
    faults: Sequence[dict[str, str]] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """A problem document. kind : the stable last word of its type; faults : parameter and detail of each."""
    body: dict[str, Any] = {
        "type": TYPE_BASE + kind,
        "title": status.phrase,
        "status": int(status),
        "detail": _speakable(detail),
        "instance": _speakable(request_path),
    }
    if faults:
        body["errors"] = [{name: _speakable(said) for name, said in fault.items()} for fault in faults]
    return JSONResponse(body, status_code=int(status), media_type=MEDIA_TYPE, headers=headers)


def status_of(fault: errors.ObservatoryError) -> HTTPStatus:
    """Status of the nearest class in the table."""
    return next(STATUS[kind] for kind in type(fault).__mro__ if kind in STATUS)


def unforeseen(request_path: str, fault: Exception) -> Response:
    """Log what nobody foresaw, and tell nothing of it."""
    log.error("unforeseen", path=request_path, exc_info=fault)
    return problem(
        request_path,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal-error",
        "The service made a mistake. It has been logged under the request id of this answer.",
    )


def _describe(app: FastAPI) -> None:
    """Say in the description of the API what any endpoint may answer, and who may ask."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        document = described()
        document["components"]["schemas"]["Problem"] = SCHEMA
        document["components"].get("securitySchemes", {}).pop("optional", None)
        for path in document["paths"].values():
            for operation in path.values():
                # The framework would answer a malformed parameter with 422; we answer 400.
                operation["responses"].pop("422", None)
                if "security" in operation:
                    operation["security"] = _security(operation["security"])
                    operation["responses"] = {**SECURED, **operation["responses"]}
                if "requestBody" in operation:
                    operation["responses"] = {**BODIED, **operation["responses"]}
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def register(app: FastAPI) -> None:
    """Answer every foreseen failure of an endpoint with a problem document, and say so in the description of the API."""
    _describe(app)

    @app.exception_handler(errors.ObservatoryError)
    def foreseen(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, errors.ObservatoryError)  # noqa: S101 - what the handler is registered for
        status = status_of(fault)
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            # The client is told to come back; only here is said what the operator has to mend.
            log.warning("unavailable", path=request.url.path, cause=str(fault.__cause__ or fault))
        faults = []
        if isinstance(fault, errors.InvalidParameter):
            faults = [{"parameter": fault.parameter, "detail": fault.message}]
        detail = f"{fault.parameter}: {fault.message}" if isinstance(fault, errors.InvalidParameter) else str(fault)
        return problem(request.url.path, status, _kind(fault), detail, faults=faults, headers=_headers(fault, status))

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, RequestValidationError)  # noqa: S101 - what the handler is registered for
        listed = fault.errors()
        faults = [{"parameter": _place(e["loc"]), "detail": str(e["msg"])} for e in listed[:FAULTS_MAX]]
        named = "; ".join(f"{f['parameter']}: {f['detail']}" for f in faults)
        if len(listed) > FAULTS_MAX:
            named += f"; and {len(listed) - FAULTS_MAX} more"
        return problem(request.url.path, HTTPStatus.BAD_REQUEST, "invalid-parameter", named, faults=faults)

    @app.exception_handler(HTTPException)
    def http(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, HTTPException)  # noqa: S101 - what the handler is registered for
        status = HTTPStatus(fault.status_code)
        headers = dict(fault.headers or {})
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = _allowed(request)
            if request.method == "OPTIONS":
                return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
        detail = {
            HTTPStatus.NOT_FOUND: f"There is nothing at {request.url.path}.",
            HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method} is not possible here.",
        }.get(status, str(fault.detail))
        return problem(
            request.url.path,
            status,
            status.phrase.lower().replace(" ", "-"),
            detail,
            headers=headers,
        )


def _speakable(text: str) -> str:
    """What a request brought, fit to be sent back: no credential, and nothing that is no Unicode text."""
    return redacted(text).encode("utf-8", "replace").decode()


def _allowed(request: Request) -> str:
    """Methods that are possible at the path of a request."""
    found: list[str] = []
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        asked = {**request.scope, "method": method}
        for route in request.app.router.routes:
            if route.matches(asked)[0] == Match.FULL and (method == "GET" or not isinstance(route, Mount)):
                found += ["GET", "HEAD"] if method == "GET" else [method]
                break
    return ", ".join([*found, "OPTIONS"])


def _place(location: Sequence[int | str]) -> str:
    """The parameter, or the way to the field of the body, such as `scopes.0`."""
    return ".".join(str(step) for step in location[1:]) or str(location[0])


def _security(declared: list[dict[str, list[str]]]) -> list[dict[str, list[str]]]:
    """The requirement of an operation: a credential, or none as well where the anonymous may ask too."""
    return [{"bearer": []}] if {"bearer": []} in declared else [{}, {"bearer": []}]


def _headers(fault: errors.ObservatoryError, status: HTTPStatus) -> dict[str, str] | None:
    """What a client needs beside the document: when to come back, or how to say who it is (RFC 6750)."""
    if isinstance(fault, errors.TooManyRequests):
        return {"Retry-After": str(fault.retry_after_s)}
    if isinstance(fault, errors.Unauthenticated):
        return {"WWW-Authenticate": 'Bearer error="invalid_token"' if fault.invalid else "Bearer"}
    return {"Retry-After": RETRY_AFTER_S} if status == HTTPStatus.SERVICE_UNAVAILABLE else None


def _kind(fault: errors.ObservatoryError) -> str:
    words = "".join(f"-{c.lower()}" if c.isupper() else c for c in type(fault).__name__)
    return words.removeprefix("-")
