"""The application: factory, ordered includes, tweens, security policy."""
