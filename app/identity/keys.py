"""API keys: made here, shown once, kept as a hash.

A key carries 256 random bits, so a plain SHA-256 is enough: there is nothing to guess, and no salt or slow hash is
needed as for passwords. Finding a key is a look-up of its hash in an index, which takes the same time for any wrong key.
"""

import datetime as dt
import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Final

MARK: Final = "sho_"
"""How every key begins, so that scanners of published code can find one."""
FORM = re.compile(r"sho_[A-Za-z0-9_-]{43}")
SHOWN: Final = 12
"""Characters of a key that are kept for its owner to tell keys apart; 48 of its bits."""
DAYS_DEFAULT: Final = 365
DAYS_MAX: Final = 730
KEYS_MAX: Final = 25
"""Live keys an account may have."""


@dataclass(frozen=True)
class NewKey:
    """A key that was just made. `secret` is shown once and never stored."""

    secret: str
    prefix: str
    hash: bytes

    def __repr__(self) -> str:
        return f"NewKey(prefix={self.prefix!r})"


def new_key() -> NewKey:
    """A random key."""
    secret = MARK + secrets.token_urlsafe(32)
    return NewKey(secret, secret[:SHOWN], digest(secret))


def digest(secret: str) -> bytes:
    """What is stored of a key: 32 bytes."""
    return hashlib.sha256(secret.encode()).digest()


def fault(
    *, now: dt.datetime, expires: dt.datetime, revoked: dt.datetime | None, closed: dt.datetime | None
) -> str | None:
    """Why a known key is not valid now, or None. Only who holds the key can be told."""
    if revoked is not None:
        return "The key was revoked."
    if closed is not None:
        return "The account of the key is closed."
    if expires <= now:
        return f"The key expired on {expires.date().isoformat()}."
    return None
