"""Where the SDK sends to, from `airuns.configure(...)` or the environment."""

import logging
import os
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

log = logging.getLogger("airuns.client")
log.addHandler(logging.NullHandler())  # a library is silent unless the program asks for its log

MEGABYTE = 1024 * 1024
YES = frozenset({"1", "true", "yes", "on"})


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Where to send and what to keep meanwhile; `max_queue` is in bytes."""

    url: str | None
    api_key: str | None
    disabled: bool
    queue_dir: Path
    max_queue: int

    @property
    def reason_for_silence(self) -> str | None:
        """Say why nothing is recorded; None when it is."""
        if self.disabled:
            return "AIRUNS_DISABLED is set."
        missing = [
            name
            for name, value in (("AIRUNS_URL", self.url), ("AIRUNS_API_KEY", self.api_key))
            if not value
        ]
        if not missing:
            return None
        return f"Set {' and '.join(missing)}, or call airuns.configure(url=…, api_key=…)."

    @property
    def folder(self) -> Path:
        """The folder of what waits for this server and key: it is delivered with no other key."""
        name = sha256(f"{self.url}\n{self.api_key}".encode()).hexdigest()[:16]
        return self.queue_dir / name


def load(environ: Mapping[str, str], given: Mapping[str, Any]) -> Config:
    """Return what `given` says, and for the rest the environment."""
    values: dict[str, Any] = {
        "url": environ.get("AIRUNS_URL"),
        "api_key": environ.get("AIRUNS_API_KEY"),
        "disabled": environ.get("AIRUNS_DISABLED", "").lower() in YES,
        "queue_dir": environ.get("AIRUNS_QUEUE_DIR"),
        "max_queue": 256 * MEGABYTE,
    }
    values.update(given)
    values["url"] = values["url"].rstrip("/") if values["url"] else None
    values["queue_dir"] = Path(values["queue_dir"] or _state_dir(environ)).expanduser().absolute()
    return Config(**values)


def _state_dir(environ: Mapping[str, str]) -> Path:
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or "~/AppData/Local") / "airuns" / "queue"
    if sys.platform == "darwin":
        return Path("~/Library/Application Support/airuns/queue")
    return Path(environ.get("XDG_STATE_HOME") or "~/.local/state") / "airuns" / "queue"


class _Current:
    """The configuration of this process: read from the environment when it is first asked for."""

    given: dict[str, Any]
    made: Config | None

    def __init__(self) -> None:
        self.given = {}
        self.made = None

    def get(self) -> Config:
        if self.made is None:
            self.made = load(os.environ, self.given)
        return self.made

    def change(self, given: dict[str, Any]) -> None:
        known = {name: value for name, value in given.items() if value is not None}
        self.given, self.made = self.given | known, None


current = _Current()
