"""Mappings that come with the Observatory, by name; any other by its path."""

from importlib import resources
from pathlib import Path

from app.errors import MappingInvalid
from app.ingest.mapping.model import STANDARD, MappingFile
from app.ingest.mapping.reading import parse_mapping


def available_mappings() -> tuple[str, ...]:
    """Names of the packaged mappings."""
    folder = resources.files("app.ingest") / "mappings"
    return tuple(sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")))


def load_mapping(name_or_path: str | Path = STANDARD) -> MappingFile:
    """A packaged mapping by its name, or any mapping by its path. Raises MappingInvalid."""
    if str(name_or_path) in available_mappings():
        text = (resources.files("app.ingest") / "mappings" / f"{name_or_path}.toml").read_text("utf-8")
        return parse_mapping(text, f"{name_or_path}.toml")
    path = Path(name_or_path)
    if path.suffix != ".toml" or not path.is_file():
        message = f"There is no mapping {str(name_or_path)!r}; packaged are: {', '.join(available_mappings())}."
        raise MappingInvalid(message, code="MAPPING_NOT_FOUND")
    return parse_mapping(path.read_text("utf-8"), path.name)
