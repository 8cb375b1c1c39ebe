"""The two markers of pluggy for this project."""

import pluggy

hookspec = pluggy.HookspecMarker("webstore")
hookimpl = pluggy.HookimplMarker("webstore")
