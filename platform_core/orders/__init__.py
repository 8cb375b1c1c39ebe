"""Orders: what was bought, on what terms, and what became of it. A room without a screen of its own."""
