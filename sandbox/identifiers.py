"""Ids as Gladly's look: 22 characters of base64url, here a pure function of what they name."""

from base64 import urlsafe_b64encode
from hashlib import blake2b

_BYTES = 16
_CHARACTERS = 22


def identifier(seed: int, kind: str, *numbers: int) -> str:
    """Return the id of one thing of the world: same arguments, same 22 characters."""
    name = f"{seed}/{kind}/{numbers}".encode()
    return urlsafe_b64encode(blake2b(name, digest_size=_BYTES).digest())[:_CHARACTERS].decode()
