"""Wires the service together: routers, problem documents, database and the map's files."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import anyio.to_thread
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.staticfiles import StaticFiles

from app import logs
from app.db import migrations, session
from app.db.session import Database
from app.identity.tokens import Verifier
from app.routers import (
    accounts,
    around,
    bodies,
    collections,
    datasets,
    decisions,
    duplicates,
    events,
    explaining,
    exports,
    incoming,
    indicators,
    landing,
    limits,
    mappings,
    networks,
    planner,
    problems,
    questions,
    rules,
    tiles,
    uploads,
    validate,
)
from app.routers.around import Around
from app.routers.deps import Context
from app.settings import Settings

BESIDE_FILE_BYTES = 2_000_000
STATIC = Path(__file__).parent / "static"


def create_app(settings: Settings | None = None, database: Database | None = None) -> FastAPI:
    """The service for one configuration. Without a database it opens the configured one for as long as it runs."""
    settings = settings or Settings()
    logs.configure(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with ExitStack() as stack:
            # Starting a cluster takes a while; the event loop belongs to the server meanwhile.
            app.state.context = await anyio.to_thread.run_sync(_open, settings, database, stack)
            yield

    app = FastAPI(
        title=landing.TITLE,
        description=landing.DESCRIPTION,
        version=version("soil-health-observatory"),
        lifespan=lifespan,
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        responses=problems.RESPONSES,
    )
    for router in (
        landing.router,
        collections.router,
        tiles.router,
        indicators.router,
        questions.router,
        explaining.router,
        accounts.router,
        datasets.router,
        networks.router,
        limits.router,
        mappings.router,
        rules.router,
        duplicates.router,
        uploads.router,
        decisions.router,
        exports.router,
        validate.router,
        planner.router,
    ):
        app.include_router(router)
    if STATIC.is_dir():
        app.mount("/map", StaticFiles(directory=STATIC, html=True), name="map")
    problems.register(app)
    app.state.gate = limits.Gate(settings)
    app.state.tokens = Verifier(settings.oidc_issuers, settings.oidc_audiences)
    app.add_middleware(GZipMiddleware, minimum_size=500, compresslevel=1)
    app.add_middleware(
        bodies.Bounded,
        max_bytes=settings.max_body_mb * 1_000_000,
        files=limits.FILES,
        larger={"/planner/plan": (planner.BODY_BYTES, planner.VALUES_MAX)},
    )
    app.add_middleware(limits.Limiter, gate=app.state.gate)
    # Keys travel in a header that scripts set, never in cookies: no origin needs credentials of the browser.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=around.ASKED_HEADERS,
        expose_headers=around.SHOWN_HEADERS,
        max_age=3600,
    )
    app.state.slots = incoming.Slots()
    app.state.watch = events.Watch()
    app.state.validations = validate.Places(settings.validations)
    app.add_middleware(
        Around,
        secure=(settings.public_url or "").startswith("https://"),
        max_body_bytes=settings.max_body_mb * 1_000_000,
        # The endpoints count the bytes of a file themselves, and say so; this is for what they never see.
        file_bytes={
            "/uploads": settings.max_upload_mb * 1_000_000 + BESIDE_FILE_BYTES,
            "/validate": settings.max_validate_mb * 1_000_000 + BESIDE_FILE_BYTES,
            "/planner/plan": planner.BODY_BYTES + BESIDE_FILE_BYTES,
        },
    )
    return app


def opened(settings: Settings) -> AbstractContextManager[Database]:
    """The configured database, for a service: a private one must not be in use by another."""
    return session.opened(settings, purpose=f"serving on port {settings.port}", guest=False)


def _open(settings: Settings, database: Database | None, stack: ExitStack) -> Context:
    """Engines on the database, brought to this version's schema where it is ours to do so."""
    database = database or stack.enter_context(opened(settings))
    with session.disposing(database.owner_engine()) as owner:
        migrations.require(owner, ours=settings.database_url is None)
    engines = [
        database.web_engine(pool_size=settings.pool_size, timeout_s=limit)
        for limit in (settings.features_timeout_s, settings.tiles_timeout_s)
    ]
    for engine in engines:
        stack.callback(engine.dispose)
        session.check(engine)  # the public role must be able to enter before anybody asks
    desk = database.desk_engine(pool_size=settings.pool_size, timeout_s=settings.features_timeout_s)
    stack.callback(desk.dispose)
    session.check(desk)
    return Context(settings=settings, features=engines[0], tiles=engines[1], desk=desk)
