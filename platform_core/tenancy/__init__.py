"""Stores: configuration, host to store, plugin switches, the store's view of the plugins."""
