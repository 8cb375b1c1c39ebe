"""The host of the stores. It never names a plugin: it asks a hook instead."""
