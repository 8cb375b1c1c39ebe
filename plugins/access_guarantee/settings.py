"""The plugin's settings."""

from pydantic import Field

from platform_core.plugin_api import Settings


class AccessGuaranteeSettings(Settings):
    """`days`: how many days after the day of purchase everything stays reachable; the last day counts in full."""

    days: int = Field(default=31, ge=1, le=3660)
