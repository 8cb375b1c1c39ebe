"""Stored files, by their content."""
