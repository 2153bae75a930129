"""PostgreSQL: the one door to it, the embedded server, the schema and its migrations."""
