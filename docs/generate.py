"""Writes the pages that say what the code says: `python -m docs.generate`. A test compares them."""

from pathlib import Path

from airuns.server.settings import MEGABYTE, TABLE, Setting

SETTINGS = Path(__file__).with_name("settings.md")

HEAD = """\
# Settings

<!-- Written by `python -m docs.generate` from src/airuns/server/settings.py; change it there. -->

Settings are environment variables. `NAME_FILE` may name a file that holds the value of `NAME`,
which keeps secrets out of the environment. The data folder is, by default, `airuns` in the folder
where your system keeps a user's data.

Providers of models have the variables that their own tools use: `OPENAI_API_KEY`,
`ANTHROPIC_API_KEY` and so on, and `OPENAI_BASE_URL` and the like for another address.

| name | default | what it is |
| --- | --- | --- |
"""


def settings_page() -> str:
    """Return docs/settings.md."""
    return HEAD + "".join(f"| `{row.name}` | {_default(row)} | {row.help} |\n" for row in TABLE)


def _default(row: Setting) -> str:
    if row.default is None:
        return ""
    if row.type is bool:
        return "on" if row.default else "off"
    if row.type is int and row.default % MEGABYTE == 0:
        return f"{row.default} ({row.default // MEGABYTE} MiB)"
    return f"{row.default:g}" if row.type is float else str(row.default)


if __name__ == "__main__":
    SETTINGS.write_text(settings_page())
