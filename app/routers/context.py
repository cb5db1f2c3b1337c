"""What endpoints need of the running service."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine

from app.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Extent:
    """Where and when the current rows of a collection lie."""

    box: tuple[float, float, float, float]
    days: tuple[str | None, str | None] | None


@dataclass(frozen=True, kw_only=True)
class Context:
    """The running service: its settings and its ways into the database."""

    settings: Settings
    features: Engine
    tiles: Engine
    desk: Engine
    extents: dict[tuple[int, str], Extent] = field(default_factory=dict)
    """Where and when the rows of a table lie, by release: asked often, and a scan of the whole table."""
    periods: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Periods that have estimates, by release: the same."""


def context(request: Request) -> Context:
    """The running service's engines and settings."""
    found: Context = request.app.state.context
    return found


Here = Annotated[Context, Depends(context)]
