"""Entry for any WSGI server: `platform_core.app.wsgi:application()`."""

from typing import Any

from platform_core.app.factory import make_app
from platform_core.app.logs import set_up_logging
from platform_core.app.settings import Settings


def application() -> Any:
    """The application, with settings from the environment."""
    set_up_logging()
    return make_app(Settings.from_environment())
