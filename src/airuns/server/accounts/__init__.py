"""Who may use the server: people with passwords or one-time links, programs with keys."""
