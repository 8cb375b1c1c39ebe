"""Where this installation keeps what it needs, from the environment or a `.env` file beside it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """All that starting needs. Paths are absolute; `download_origin` has no trailing slash."""

    database_url: str
    data_dir: Path
    tenants_dir: Path
    secret_file: Path
    base_domain: str = "localhost"
    download_origin: str = "http://localhost:8004"
    trusted_proxies: tuple[str, ...] = ()
    demo: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read `WEBSTORE_*`; what is missing has a default that works from a checkout."""
        values = {**_dot_env(Path(".env")), **(os.environ if environment is None else environment)}

        def get(name: str, default: str) -> str:
            return values.get(f"WEBSTORE_{name}") or default

        data_dir = Path(get("DATA_DIR", "var")).absolute()
        return cls(
            database_url=get("DATABASE_URL", f"sqlite:///{data_dir / 'webstore.db'}"),
            data_dir=data_dir,
            tenants_dir=Path(get("TENANTS_DIR", "tenants")).absolute(),
            secret_file=Path(get("SECRET_FILE", str(data_dir / "secret.key"))).absolute(),
            base_domain=get("BASE_DOMAIN", "localhost").lower(),
            download_origin=get("DOWNLOAD_ORIGIN", "http://localhost:8004").rstrip("/"),
            trusted_proxies=tuple(
                part.strip() for part in get("TRUSTED_PROXIES", "").split(",") if part.strip()
            ),
            demo=get("DEMO", "") == "1",
        )


def _dot_env(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    pairs = (
        line.split("=", 1) for line in path.read_text("utf-8").splitlines() if "=" in line and line[0] != "#"
    )
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}
