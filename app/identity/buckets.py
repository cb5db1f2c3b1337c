"""Token buckets: how often somebody may ask, with bursts, in bounded memory."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from math import ceil
from typing import Final

BUCKETS_MAX: Final = 50_000
"""Buckets kept. The one that was used longest ago is forgotten first: whoever it belonged to has waited since."""


@dataclass(frozen=True)
class Policy:
    """At most `quota` requests at once, and `quota` in each `window_s` seconds in the long run."""

    name: str
    quota: int
    window_s: int

    @property
    def rate(self) -> float:
        """Requests that become possible again [1/s]."""
        return self.quota / self.window_s


@dataclass(frozen=True)
class Taken:
    """What a bucket answered."""

    allowed: bool
    remaining: int
    reset_s: int
    """Seconds until the whole quota is there again."""
    wait_s: int
    """Seconds until the next request is possible; 0 if it is now."""


class Buckets:
    """A bucket per policy and subject. Safe for threads; no call waits or touches anything else."""

    def __init__(self, most: int = BUCKETS_MAX) -> None:
        self._most = most
        self._held: OrderedDict[tuple[str, Hashable], tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, policy: Policy, subject: Hashable, now: float, *, cost: int = 1) -> Taken:
        """Take `cost` requests out, or none if there are fewer. With `cost` 0 only look.

        now : a clock that never goes back [s].
        """
        key = (policy.name, subject)
        with self._lock:
            left, since = self._held.get(key, (float(policy.quota), now))
            left = min(policy.quota, left + max(0.0, now - since) * policy.rate)
            allowed = left >= max(cost, 1)
            if cost:
                if allowed:
                    left -= cost
                    self._held[key] = (left, now)
                self._held.move_to_end(key)
                if len(self._held) > self._most:
                    self._held.popitem(last=False)
        return Taken(
            allowed=allowed,
            remaining=int(left),
            reset_s=ceil((policy.quota - left) / policy.rate),
            wait_s=0 if left >= 1 else max(1, ceil((1 - left) / policy.rate)),
        )

    def __len__(self) -> int:
        return len(self._held)
