"""A web process of its own that presses Proceed with Order once: `python -m tests.common.presser` with JSON on stdin.

Tests kill it at named points (`WEBSTORE_KILL_AT`, see `platform_core.db.points`).
"""

import json
import sys
from pathlib import Path

from tests.common.shop import Shop


def main() -> None:
    """Press, and print where the answer leads."""
    said = json.load(sys.stdin)
    shop = Shop(said["url"], Path(said["data_dir"]))
    browser = shop.browser()
    for name, value in said["cookies"].items():
        browser.set_cookie(name, value)
    answer = browser.post(said["path"], [tuple(pair) for pair in said["fields"]], expect_errors=True)
    print(answer.status_code, answer.headers.get("Location", ""), flush=True)
    shop.close()


if __name__ == "__main__":
    main()
