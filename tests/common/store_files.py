"""Small store files to apply, to break and to compare."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><path d="M0 0h10v10H0z"/></svg>'

STORE = """\
format = 1

[store]
slug = "harbour"
name = { en = "Harbour College", fr = "Collège du Port" }
tagline = { en = "Software store", fr = "Boutique de logiciels" }
languages = ["en", "fr"]
currencies = ["CAD", "JPY"]
country = "CA"
time_zone = "America/Toronto"

[brand]
colour = "#17503a"
logo = "harbour.svg"

[distributor]
name = "Larkfield Distribution Inc."

[tax]
rates = [ { code = "HST", label = { en = "HST", fr = "TVH" }, rate = "13", country = "CA" } ]

[[groups]]
code = "student"
name = { en = "Students", fr = "Étudiants" }
[[groups]]
code = "faculty"
name = { en = "Faculty", fr = "Corps professoral" }

[[organisations]]
code = "science"
name = { en = "Faculty of Science", fr = "Faculté des sciences" }

[plugins.lamp]
enabled = true
days = 31

[support]
email = "help@harbour.example"

[[publishers]]
slug = "korvane"
name = "Korvane"
support_url = "https://support.korvane.example/"

[[categories]]
slug = "statistics"
name = { en = "Statistics", fr = "Statistique" }
pattern = "statistics"
[[categories]]
slug = "maps"
name = { en = "Maps", fr = "Cartes" }
pattern = "maps"

[[agreements]]
slug = "korvane-academic"
version = "2026-1"
title = { en = "Academic licence", fr = "Licence universitaire" }
text = { en = "Be fair.", fr = "Soyez justes." }

[[products]]
slug = "stat-workbench"
name = "Stat Workbench 11"
publisher = "korvane"
category = "statistics"
monogram = "Sw"
version = "11.2"
released = 2026-02-01
summary = { en = "Statistics.", fr = "Des statistiques." }
description = { en = "Much of it.", fr = "Beaucoup." }
licence = { kind = "rental", months = 12 }
agreement = "korvane-academic"
credentials = [ { code = "serial", kind = "licence_number", label = { en = "Serial", fr = "Série" } } ]
[[products.variants]]
code = "win64"
os = "windows"
bits = 64
label = "Windows"
[[products.requirements]]
label = { en = "System", fr = "Système" }
windows = "Windows 11"
[[products.files]]
code = "setup"
variant = "win64"
title = "Setup"
name = "setup.exe"
source = "harbour/setup.exe"
[[products.offers]]
code = "student"
groups = ["student"]
limit = 1
prices = { CAD = "49.00", JPY = "5400" }
from = 2026-01-01
until = 2027-12-31
[[products.offers]]
code = "faculty"
groups = ["faculty"]
organisations = ["science"]
free = true

[[products]]
slug = "map-room"
name = { en = "Map Room", fr = "Salle des cartes" }
publisher = "korvane"
category = "maps"
monogram = "Mr"
summary = "Maps."
description = "All maps."
licence = { kind = "perpetual" }
trial_of = "stat-workbench"
[[products.offers]]
code = "all"
free = true
"""


class LampSettings(BaseModel):
    """Settings of a plugin that does nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: int = 31


SCHEMAS = {"lamp": LampSettings}


def line_of(text: str, marker: str, nth: int = 1) -> int:
    """The number of the `nth` line that contains `marker`."""
    return [number for number, line in enumerate(text.splitlines(), 1) if marker in line][nth - 1]


def write_store(folder: Path, text: str = STORE, slug: str = "harbour") -> Path:
    """Write a store file and its logo; `slug` also replaces the one in the text."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{slug}.toml"
    path.write_text(text.replace("harbour", slug), "utf-8")
    (folder / f"{slug}.svg").write_text(LOGO, "utf-8")
    return path


def write_download(data_dir: Path, slug: str = "harbour", data: bytes = b"setup") -> Path:
    """Put the store's one download where an apply finds it."""
    path = data_dir / "incoming" / slug / "setup.exe"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    return path
