"""What a set of published figures gives away together: no value of closed data may be worked out from their differences.

A figure rests on sites. Values of open data are public, so whoever wants the others subtracts them first; what counts is
the sites of closed data behind each figure. A group of such sites is safe to be known as a whole where at least
FEWEST_OWNERS hold it and none holds more than LARGEST_SHARE of it: the same rule as for one figure, asked of everything
that sums and differences of figures can isolate (Willenborg and de Waal 2001, Elements of Statistical Disclosure Control,
chapter 6; Hundepool et al. 2012, Statistical Disclosure Control, chapter 4).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import TypeVar

import numpy as np

from app.soil.estimate import FEWEST_OWNERS, LARGEST_SHARE

Key = TypeVar("Key", bound=Hashable)


def safe(sites: Collection[str], holders: Mapping[str, str]) -> bool:
    """Whether the sum of these sites may be known: there are none, or enough holders and none that dominates."""
    held = Counter(holders[site] for site in sites)
    return not held or (len(held) >= FEWEST_OWNERS and max(held.values()) <= LARGEST_SHARE * held.total())


def to_withhold(figures: Mapping[Key, frozenset[str]], holders: Mapping[str, str]) -> set[Key]:
    """Figures that must be withheld as well, so that what is withheld already cannot be worked out from the others.

    figures : the closed sites behind each figure that may be published for itself. holders : who holds each site.

    As long as a group of sites can be isolated that is not safe, the smallest figure that helps to isolate it is taken
    out. Found are differences of a figure and one inside it, and groups whose sum follows from all figures by linear
    combination. Not found are products of more knowledge than the figures, and combinations of groups that are each safe.
    """
    withheld: set[Key] = set()
    for component in _components(figures):
        shown = {key: figures[key] for key in component}
        while shown and (betrayed := _betrayed(shown, holders)):
            helping = [key for key, sites in shown.items() if sites & betrayed or len(shown) == 1]
            overlapping = {key for key in shown if any(shown[key] & shown[one] for one in helping)}
            smallest = min(overlapping or set(shown), key=lambda key: (len(shown[key]), str(key)))
            withheld.add(smallest)
            del shown[smallest]
    return withheld


def _components(figures: Mapping[Key, frozenset[str]]) -> Iterable[list[Key]]:
    """Figures that share sites, directly or by way of others; those without closed sites betray nothing."""
    of_site: dict[str, list[Key]] = defaultdict(list)
    for key, sites in figures.items():
        for site in sites:
            of_site[site].append(key)
    left = {key for key, sites in figures.items() if sites}
    while left:
        found, queue = set(), [min(left, key=str)]
        while queue:
            key = queue.pop()
            if key in found:
                continue
            found.add(key)
            queue += [other for site in figures[key] for other in of_site[site] if other not in found]
        left -= found
        yield sorted(found, key=str)


def _betrayed(shown: Mapping[Key, frozenset[str]], holders: Mapping[str, str]) -> frozenset[str]:
    """A group of sites that the figures isolate though it is not safe; empty where there is none."""
    for one in shown.values():
        for other in shown.values():
            if other < one and not safe(one - other, holders):
                return one - other
    # Sites that are in the same figures can never be told apart: they are one unknown.
    groups: dict[tuple[bool, ...], set[str]] = defaultdict(set)
    for site in frozenset().union(*shown.values()):
        groups[tuple(site in sites for sites in shown.values())].add(site)
    unknowns = list(groups)
    equations = np.array(unknowns, dtype=float).T
    rank = np.linalg.matrix_rank(equations)
    for place, signature in enumerate(unknowns):
        alone = np.zeros(len(unknowns))
        alone[place] = 1.0
        if np.linalg.matrix_rank(np.vstack((equations, alone))) == rank and not safe(groups[signature], holders):
            return frozenset(groups[signature])
    return frozenset()


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """Sites that came or give another value than before, and sites that are gone; by what each gave, hashed."""
    return {site for site, gave in now.items() if before.get(site) != gave}, before.keys() - now.keys()
