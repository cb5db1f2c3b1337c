"""A mapping is emptied while it is read: what is left over was not understood, and is named by its place."""

import math
from collections.abc import Mapping
from typing import Any, get_args

MOST_NODES = 50_000
"""Texts, numbers and tables one mapping may hold: far above any honest one."""
_DEEPEST = 12


class EntryInvalid(ValueError):
    """An entry of a mapping that cannot be understood; `place` names it."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place


class Entry:
    """A table of a mapping that is emptied while it is read; `close` refuses what is left over."""

    def __init__(self, tree: object, place: str) -> None:
        if not isinstance(tree, Mapping) or not all(isinstance(key, str) for key in tree):
            raise EntryInvalid(place, "must be a table")
        self._tree: dict[str, Any] = dict(tree)
        self.place = place

    def at(self, key: str) -> str:
        """The place of an entry of this table."""
        return f"{self.place}.{key}" if self.place else key

    def text(self, key: str) -> str | None:
        """A text, or None where it is not said."""
        found: str | None = self._take(key, str, "text")
        return found

    def needed(self, key: str) -> str:
        """A text that must be there."""
        found = self.text(key)
        if not found:
            raise EntryInvalid(self.at(key), "is missing")
        return found

    def truth(self, key: str) -> bool:
        """True or false; false where it is not said."""
        return bool(self._take(key, bool, "true or false"))

    def choice(self, key: str, allowed: Any, default: str | None = None) -> Any:
        """One of the words of a Literal."""
        found = self.text(key)
        options: tuple[str, ...] = get_args(allowed)
        if found is None:
            if default is None:
                raise EntryInvalid(self.at(key), f"is missing; one of: {', '.join(options)}")
            return default
        if found not in options:
            raise EntryInvalid(self.at(key), f"{found!r} is not one of: {', '.join(options)}")
        return found

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A list of texts."""
        found = self._take(key, list, "a list")
        if found is None:
            return None
        if not all(isinstance(item, str) for item in found):
            raise EntryInvalid(self.at(key), "must be a list of texts")
        return tuple(found)

    def numbers(self, key: str, count: int) -> tuple[float, ...] | None:
        """A list of so many finite numbers."""
        found = self._take(key, list, "a list")
        if found is None:
            return None
        if len(found) != count or not all(_is_number(item) for item in found):
            raise EntryInvalid(self.at(key), f"must be a list of {count} numbers")
        return tuple(float(item) for item in found)

    def row(self, key: str, *, least: int = 1) -> int | None:
        """The number of a row."""
        found = self._tree.pop(key, None)
        return None if found is None else self._row(key, found, least)

    def rows(self, key: str) -> tuple[int | None, int | None]:
        """First and last row; the last may be left out."""
        found = self._take(key, list, "a list")
        if found is None:
            return None, None
        if len(found) not in {1, 2}:
            raise EntryInvalid(self.at(key), "must be the first row, or the first and the last")
        first = self._row(key, found[0], 1)
        last = self._row(key, found[1], first) if len(found) > 1 else None
        return first, last

    def _row(self, key: str, found: object, least: int) -> int:
        if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= 2**31:
            raise EntryInvalid(self.at(key), f"must be a row number of at least {least}")
        return found

    def words(self, key: str) -> dict[str, str]:
        """A table that translates texts to texts."""
        found = self._take(key, dict, "a table")
        if found is None:
            return {}
        if not all(isinstance(item, str) for item in found.values()):
            raise EntryInvalid(self.at(key), "must translate texts to texts")
        return dict(found)

    def rest(self) -> dict[str, str]:
        """All entries that are left, which must be texts."""
        left, self._tree = self._tree, {}
        for key, found in left.items():
            if not isinstance(found, str):
                raise EntryInvalid(self.at(key), "must be text")
        return left

    def entry(self, key: str) -> "Entry | None":
        """A table within this one."""
        found = self._tree.pop(key, None)
        return None if found is None else Entry(found, self.at(key))

    def entries(self, key: str) -> "list[Entry]":
        """A list of tables within this one."""
        found = self._take(key, list, "a list of tables") or []
        return [Entry(item, f"{self.at(key)}[{position}]") for position, item in enumerate(found, start=1)]

    def any(self, key: str) -> Any:
        """An entry of any kind."""
        return self._tree.pop(key, None)

    def names(self) -> tuple[str, ...]:
        """Keys that are left."""
        return tuple(self._tree)

    def close(self) -> None:
        """Refuse what is left."""
        if self._tree:
            raise EntryInvalid(self.at(next(iter(self._tree))), "is not understood here")

    def _take(self, key: str, kind: type, name: str) -> Any:
        found = self._tree.pop(key, None)
        if found is not None and not isinstance(found, kind):
            raise EntryInvalid(self.at(key), f"must be {name}")
        return found


def _is_number(item: object) -> bool:
    return isinstance(item, int | float) and not isinstance(item, bool) and math.isfinite(item)


def check_tree(tree: object) -> None:
    """Refuse what no mapping needs and no database keeps: endless trees, NUL characters, halves of characters."""
    left, waiting = MOST_NODES, [(tree, "", 0)]
    while waiting:
        item, place, depth = waiting.pop()
        left -= 1
        if left < 0:
            raise EntryInvalid("", f"holds more than {MOST_NODES} entries")
        if depth > _DEEPEST:
            raise EntryInvalid(place, "is nested too deep")
        if isinstance(item, str):
            _check_text(item, place)
        elif isinstance(item, Mapping):
            for key, value in item.items():
                _check_text(str(key), place)
                waiting.append((value, f"{place}.{key}" if place else str(key), depth + 1))
        elif isinstance(item, list):
            waiting.extend((value, f"{place}[{i}]", depth + 1) for i, value in enumerate(item, start=1))


def _check_text(text: str, place: str) -> None:
    if "\x00" in text or any("\ud800" <= mark <= "\udfff" for mark in text):
        raise EntryInvalid(place.replace("\x00", ""), "holds a character that no text may hold")
