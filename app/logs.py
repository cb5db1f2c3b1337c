"""Log lines: structured, with the ids that matter; readable on a terminal, JSON for machines. Never with a credential."""

import logging
import re
import sys
from typing import Any

import structlog

from app.settings import Settings

CREDENTIAL = re.compile(r"sho_[A-Za-z0-9_-]{24,}|eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*")
"""An API key of ours, also when its end is cut off, or a JSON Web Token. A file may be called sho_profiles.csv."""
HIDDEN = "(hidden)"


def redacted(text: str) -> str:
    """The text with every key and token in it hidden."""
    return CREDENTIAL.sub(HIDDEN, text)


def configure(settings: Settings) -> None:
    """Send all log lines, ours and the libraries', to standard error in the configured shape."""
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if not console:
        shared.append(structlog.processors.format_exc_info)
    renderer: Any = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer, _hiding],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = name != "uvicorn.access"  # our own line per request replaces it
    for name in ("alembic", "procrastinate"):
        logging.getLogger(name).setLevel("WARNING")


def _hiding(_logger: Any, _name: str, line: Any) -> Any:
    """Last of all: whatever a message or trace quotes, no line has a credential in it."""
    return redacted(line) if isinstance(line, str) else line
