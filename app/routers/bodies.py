"""Parts of JSON bodies: words that a database can hold and a page can show."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


def _printable(text: str) -> str:
    for place, character in enumerate(text, start=1):
        # Cc: control characters such as NUL, which PostgreSQL refuses; Cf: such as direction overrides, which forge names.
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            raise ValueError(f"character {place} is U+{ord(character):04X}, which no name may hold")
    return text


def _plain(text: str) -> str:
    if "\x00" in text:
        raise ValueError("it holds the character U+0000, which no text may hold")
    return text


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_printable)
]
"""One line: a name or title, 1 to 200 characters."""

Paragraph = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000), AfterValidator(_plain)
]
"""Text of several lines, 1 to 10,000 characters."""

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,99}$", description="Short name as in URLs.")]


class Body(BaseModel):
    """A JSON object in which an unknown field is refused, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)
