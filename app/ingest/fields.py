"""Fields of a mapping become columns of text: from a column, a constant or a template, translated where it says so."""

import re

import polars as pl

from app.ingest.mapping import Field, Source

_PART = re.compile(r"\{([^{}]+)\}")


def resolve(sources: Field, frame: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """The text of a field for each row of `frame`, null where empty, and the words that have no translation.

    Columns that the frame does not have are empty: which columns must be there is checked before.
    """
    found = _empty(frame.height)
    unknown = _empty(frame.height)
    for source in sources:
        text = _read(source, frame)
        if source.words:
            text, strange = _translate(source, text)
            unknown = _first(unknown, strange)
        elif source.empty is not None:
            text = text.fill_null(source.empty)
        found = _first(found, text)
    return found, unknown.set(found.is_not_null(), None)


def _empty(size: int) -> pl.Series:
    return pl.Series([None], dtype=pl.String).new_from_index(0, size)


def _first(left: pl.Series, right: pl.Series) -> pl.Series:
    if not left.null_count():
        return left
    if left.null_count() == len(left):
        return right
    return left.zip_with(left.is_not_null(), right)


def _read(source: Source, frame: pl.DataFrame) -> pl.Series:
    if source.constant is not None:
        return pl.Series([source.constant], dtype=pl.String).new_from_index(0, frame.height)
    if source.column is not None:
        return frame[source.column] if source.column in frame.columns else _empty(frame.height)
    parts = _PART.split(source.template or "")
    pieces = [
        _read(Source(column=part), frame).alias(f"{position}") if position % 2 else pl.lit(part).alias(f"{position}")
        for position, part in enumerate(parts)
    ]
    return frame.select(pl.concat_str(pieces, ignore_nulls=False).alias("text"))["text"]


def _translate(source: Source, text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Translated words, and those that have no translation."""
    words = text.unique().drop_nulls().to_list()
    translation = {word: _meaning(source, word) for word in words}
    known = {word: meaning for word, meaning in translation.items() if meaning is not None}
    meaning = text.replace_strict(known, default=None, return_dtype=pl.String) if known else _empty(len(text))
    strange = text.set(meaning.is_not_null(), None)
    if source.empty is not None:
        meaning = meaning.set(text.is_null(), source.empty)
    return meaning, strange


def _meaning(source: Source, word: str) -> str | None:
    if word in source.words:
        return source.words[word]
    for key, meaning in source.words.items():
        if key.endswith("*") and word.startswith(key[:-1]):
            return meaning
    return source.otherwise
