"""Which answer goes on where a broken one ended (RFC 9110, 13.1.5 and 14): pure decisions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sources.http.bodies import has_terminator

OK: Final = 200
PARTIAL_CONTENT: Final = 206
RANGE_NOT_SATISFIABLE: Final = 416

# a weak tag, W/"...", stands for content that means the same, not for the same bytes
_STRONG_TAG: Final = re.compile(r'"[\x21\x23-\x7e]+"')
_RANGE_TO_THE_END: Final = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class FileVersion:
    """One version of a file at a server, of which any bytes can be told from another version's.

    Args:
        address: where it was answered; a tag names a version among those of one address only.
            Never shown: it may be signed.
        etag: a strong entity tag.
        total_bytes: its size.
    """

    address: str = field(repr=False)
    etag: str
    total_bytes: int


def version_begun(address: str, headers: Mapping[str, str]) -> FileVersion | None:
    """The version that an answer of status 200 begins; None if its rest cannot be asked for.

    That takes a strong entity tag, the size of the file, so that an answer of another size is
    noticed, and a body that is sent as it is: bytes of an encoded body have other places than
    those of the file.

    Args:
        address: where it was answered.
        headers: of the answer; lower-case lookups must work.
    """
    etag = headers.get("etag", "")
    told = headers.get("content-length", "")
    is_told = told.isdecimal() and "transfer-encoding" not in headers
    if not (is_told and _is_sent_as_it_is(headers) and _STRONG_TAG.fullmatch(etag)):
        return None
    return FileVersion(address, etag, int(told))


def rest_of(version: FileVersion, from_byte: int) -> dict[str, str]:
    """The headers that ask for the rest of a version, or for the whole of what replaced it."""
    return {"Range": f"bytes={from_byte}-", "If-Range": version.etag}


def is_rest_of(
    version: FileVersion, from_byte: int, status: int, address: str, headers: Mapping[str, str]
) -> bool:
    """Whether an answer is all of a version from a byte on, and nothing else.

    Whatever the answer leaves open counts as no.

    Args:
        version: what was begun.
        from_byte: the first byte that is missing.
        status: of the answer.
        address: where it was answered.
        headers: of the answer; lower-case lookups must work.
    """
    is_this_version = address == version.address and headers.get("etag") == version.etag
    is_one_part = not headers.get("content-type", "").lower().startswith("multipart/")
    # two such headers arrive as one, joined by a comma, and match nothing
    told = _RANGE_TO_THE_END.fullmatch(headers.get("content-range", ""))
    if (
        status != PARTIAL_CONTENT
        or not (is_this_version and is_one_part and told)
        or not (_is_sent_as_it_is(headers) and has_terminator(headers))
    ):
        return False
    first, last, total = map(int, told.groups())
    return from_byte == first <= last == total - 1 and total == version.total_bytes


def _is_sent_as_it_is(headers: Mapping[str, str]) -> bool:
    return headers.get("content-encoding", "").strip().lower() in {"", "identity"}
