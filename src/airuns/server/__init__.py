"""The server: installed with `airuns[server]`."""
