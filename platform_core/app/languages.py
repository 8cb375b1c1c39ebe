"""Catalogues of the core and of the plugins, ready when the application starts."""

from pathlib import Path
from typing import Any

import platform_core
from platform_core.web.i18n import compile_catalogues


def includeme(config: Any) -> None:
    """Compile what is newer than its `.mo` (a checkout has no build step), and add the plugins' folders."""
    compile_catalogues(Path(platform_core.__file__).parent / "locale")
    for module in config.registry.plugins.modules.values():
        if folder := locale_folder(module):
            compile_catalogues(folder)
            config.add_translation_dirs(str(folder))


def locale_folder(module: object) -> Path | None:
    """A plugin's `locale/` beside its module, if it has one."""
    file = getattr(module, "__file__", None)
    folder = Path(file).parent / "locale" if file else None
    return folder if folder and folder.is_dir() else None
