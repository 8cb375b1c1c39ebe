"""The institution finder: stores by name, in an index of this process that is rebuilt when stores change."""

import sys
import threading
import time
import unicodedata
from dataclasses import dataclass

import sqlalchemy as sa

from platform_core.db import Database
from platform_core.tenancy.models import Tenant, TenantState
from platform_core.web.i18n import pick_text

CHECK_SECONDS = 2.0
SHOWN = 12


def fold(text: str) -> str:
    """Letters without accents and case: Université is universite."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


@dataclass(frozen=True, slots=True)
class Found:
    """One institution: its slug, and its names by language."""

    slug: str
    names: dict[str, str]

    def name(self, locale: str) -> str:
        """The name in a language."""
        return pick_text(self.names, locale)


class Finder:
    """Search as people type: every word typed begins a word of the name, or stands inside it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._checked = -CHECK_SECONDS
        self._state: tuple[int, object] = (-1, None)
        self._entries: list[tuple[str, Found]] = []

    @property
    def index_bytes(self) -> int:
        """How much memory the index holds, its texts included."""
        size = sys.getsizeof(self._entries)
        for entry in self._entries:
            text, found = entry
            parts = (entry, text, found, found.slug, found.names, *found.names.values())
            size += sum(map(sys.getsizeof, parts))
        return size

    def _refresh(self) -> None:
        with self._lock:
            if time.monotonic() - self._checked < CHECK_SECONDS:
                return
            with self._database.session(read_only=True) as session:
                state = session.execute(
                    sa.select(sa.func.count(), sa.func.max(Tenant.changed_at)).where(
                        Tenant.state == TenantState.OPEN
                    )
                ).one()
                if tuple(state) != self._state:
                    rows = session.execute(
                        sa.select(Tenant.slug, Tenant.names).where(Tenant.state == TenantState.OPEN)
                    )
                    entries = [
                        (f" {fold(' '.join({*names.values(), slug}))}", Found(slug, names))
                        for slug, names in rows
                    ]
                    self._entries = sorted(entries, key=lambda entry: fold(entry[1].name("en")))
                    self._state = (state[0], state[1])
            self._checked = time.monotonic()

    def search(self, text: str, limit: int = SHOWN) -> tuple[list[Found], int]:
        """The first institutions that match, best first, and how many there are in all."""
        self._refresh()
        words = fold(text[:200]).split()
        hits = [
            (sum(f" {word}" not in entry for word in words), found)
            for entry, found in self._entries
            if all(word in entry for word in words)
        ]
        hits.sort(key=lambda hit: hit[0])
        return [found for _rank, found in hits[:limit]], len(hits)
