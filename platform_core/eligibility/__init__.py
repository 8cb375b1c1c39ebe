"""Who may have what: one decision with its reasons, for every page (DESIGN section 6)."""
