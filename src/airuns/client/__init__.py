"""The Python SDK; its public names are those of `airuns`."""
