"""How a pipeline tells whoever waits for it what it is doing."""

from collections.abc import Callable

Progress = Callable[[str], None]
"""Told what is being done, in a few words."""


def silent(_what: str) -> None:
    """No progress is shown."""
