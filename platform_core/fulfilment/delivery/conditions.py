"""Conditional requests (RFC 9110 section 13) about a file with a strong ETag and, perhaps, a date."""

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Literal

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


def precondition(fields: Mapping[str, str], etag: str, modified: datetime | None) -> Literal[304, 412] | None:
    """The status that answers a GET or HEAD without a body, or None to go on (order of section 13.2.2)."""
    changed_at = None if modified is None else modified.replace(microsecond=0)
    if (wanted := fields.get("If-Match")) is not None:
        if not _listed(wanted, etag, weak=False):
            return 412
    elif changed_at is not None and (limit := _date(fields.get("If-Unmodified-Since"))) is not None:
        unchanged = changed_at <= limit
        if not unchanged:
            return 412
    if (known := fields.get("If-None-Match")) is not None:
        return 304 if _listed(known, etag, weak=True) else None
    if changed_at is not None and (since := _date(fields.get("If-Modified-Since"))) is not None:
        return 304 if changed_at <= since else None
    return None


def _listed(header: str, etag: str, *, weak: bool) -> bool:
    if header.strip() == "*":
        return True
    return any(tag == etag and (weak or not mark) for mark, tag in _TAG.findall(header))


def _date(header: str | None) -> datetime | None:
    if header is None:
        return None
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
