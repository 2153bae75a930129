"""One table of all settings: the server, the commands and the documentation read this one.

Each comes from the environment variable of its name, or from the file that NAME_FILE points to.
Nothing is read when this module is imported; `load()` reads once and the result is passed on.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from airuns.errors import StartError


class Setting(msgspec.Struct, frozen=True):
    """One row of the table: its environment variable, what it is, and whether it is a secret.

    `least` and `most` bound a number.
    """

    name: str
    type: type
    default: Any
    help: str
    secret: bool = False
    least: float = 0
    most: float = 1e12

    @property
    def attribute(self) -> str:
        return self.name.removeprefix("AIRUNS_").lower()


MEGABYTE = 1024 * 1024
SWITCHES = {"on": True, "1": True, "true": True, "off": False, "0": False, "false": False}

TABLE: tuple[Setting, ...] = (
    Setting("AIRUNS_DATA_DIR", Path, None, "Folder of the database, journals and keys."),
    Setting("AIRUNS_HOST", str, "127.0.0.1", "Address that the server listens on."),
    Setting("AIRUNS_PORT", int, 8010, "Port that the server listens on.", least=1, most=65535),
    Setting("AIRUNS_PUBLIC_URL", str, None, "Address under which browsers reach the server."),
    Setting(
        "AIRUNS_DATABASE_URL",
        str,
        None,
        "PostgreSQL 15 or later to use in place of the embedded one.",
        secret=True,
    ),
    Setting(
        "AIRUNS_DATABASE_POOL", int, 12, "Connections to PostgreSQL per server process.", least=1
    ),
    Setting(
        "AIRUNS_SECRET_KEY",
        str,
        None,
        "Encrypts stored provider keys. Default: made once, kept in the data folder.",
        secret=True,
    ),
    Setting(
        "AIRUNS_LOCAL_MODEL", str, None, "A GGUF file to serve in place of SmolLM2; 'off' for none."
    ),
    Setting(
        "AIRUNS_EMBEDDING_MODEL",
        str,
        None,
        "Finds similar meanings too: provider/name, which is sent all texts, or a GGUF file.",
    ),
    Setting("AIRUNS_MAX_BODY", int, 10 * MEGABYTE, "Largest request body, in bytes.", least=1),
    Setting(
        "AIRUNS_MAX_TRACES",
        int,
        64 * MEGABYTE,
        "Largest request of OpenTelemetry spans once it is unpacked, in bytes.",
        least=1,
    ),
    Setting("AIRUNS_MAX_MESSAGE", int, 1_000_000, "Longest message, in characters.", least=1),
    Setting(
        "AIRUNS_MAX_ATTACHMENT", int, 10 * MEGABYTE, "Largest attached file, in bytes.", least=1
    ),
    Setting(
        "AIRUNS_MAX_IMPORT", int, 4096 * MEGABYTE, "Largest archive to import, in bytes.", least=1
    ),
    Setting("AIRUNS_EXPORT_DAYS", int, 7, "Days that a finished export is kept.", least=1),
    Setting("AIRUNS_MAX_PAGE", int, 200, "Largest page of a list, in items.", least=1),
    Setting(
        "AIRUNS_CONNECT_TIMEOUT", float, 10.0, "Seconds to reach a model provider.", least=0.001
    ),
    Setting(
        "AIRUNS_FIRST_TOKEN_TIMEOUT",
        float,
        120.0,
        "Seconds until a model's first token.",
        least=0.001,
    ),
    Setting(
        "AIRUNS_TOKEN_TIMEOUT", float, 60.0, "Seconds between two pieces of an answer.", least=0.001
    ),
    Setting("AIRUNS_TOTAL_TIMEOUT", float, 1800.0, "Seconds for a whole answer.", least=0.001),
    Setting("AIRUNS_RETRIES", int, 2, "Further tries after a transient provider error."),
    Setting("AIRUNS_RETRY_DELAY", float, 0.5, "Seconds before the first further try; doubles."),
    Setting("AIRUNS_MAX_RUNNING", int, 1000, "Answers that one process streams at once.", least=1),
    Setting("AIRUNS_SHUTDOWN_GRACE", float, 10.0, "Seconds that running answers get at shutdown."),
    Setting(
        "AIRUNS_LEASE", float, 30.0, "Seconds after which a silent process counts as dead.", least=1
    ),
    Setting("AIRUNS_SESSION_DAYS", int, 30, "Days that a sign-in lasts without use.", least=1),
    Setting(
        "AIRUNS_LOGIN_ATTEMPTS",
        int,
        10,
        "Failed sign-ins per address and name in 15 minutes.",
        least=1,
    ),
    Setting(
        "AIRUNS_CLIENT_GONE",
        str,
        "drain",
        "When the gateway's client goes: 'drain' reads on, so that usage is known, or 'stop'.",
    ),
    Setting("AIRUNS_DRAIN_SECONDS", float, 60.0, "How long the gateway reads on at most."),
    Setting(
        "AIRUNS_DEFAULT_PROVIDER", str, None, "Where the gateway sends calls that name no model."
    ),
    Setting(
        "AIRUNS_OTLP_ENDPOINT",
        str,
        None,
        "Where the server sends its own traces, without texts: http://collector:4318",
    ),
    Setting("AIRUNS_PUBLIC_METRICS", bool, False, "Whether /metrics answers without an API key."),
    Setting("AIRUNS_DEV", bool, False, "Whether /dev/components shows every part of the pages."),
)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one process; see TABLE for what each means."""

    data_dir: Path
    host: str
    port: int
    public_url: str | None
    database_url: str | None
    database_pool: int
    secret_key: str | None
    local_model: str | None
    embedding_model: str | None
    max_body: int
    max_traces: int
    max_message: int
    max_attachment: int
    max_import: int
    export_days: int
    max_page: int
    connect_timeout: float
    first_token_timeout: float
    token_timeout: float
    total_timeout: float
    retries: int
    retry_delay: float
    max_running: int
    shutdown_grace: float
    lease: float
    session_days: int
    login_attempts: int
    client_gone: str
    drain_seconds: float
    default_provider: str | None
    otlp_endpoint: str | None
    public_metrics: bool
    dev: bool
    provider_keys: dict[str, str] = {}
    provider_urls: dict[str, str] = {}

    @property
    def url(self) -> str:
        """Where a browser finds this server, without a final slash."""
        host = "localhost" if self.host in ("0.0.0.0", "::", "127.0.0.1") else self.host  # noqa: S104
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")


def load(environ: Mapping[str, str], **overrides: Any) -> Settings:
    """Read the settings; `overrides` (from the command line) win over the environment.

    Raises StartError naming the variable whose value cannot be used.
    """
    values = {row.attribute: _value(row, environ) for row in TABLE}
    values.update({name: value for name, value in overrides.items() if value is not None})
    data_dir = values["data_dir"] or Path(platformdirs.user_data_dir("airuns", appauthor=False))
    values["data_dir"] = Path(data_dir).expanduser().resolve()
    return Settings(
        **values,
        provider_keys=_suffixed(environ, "_API_KEY"),
        provider_urls=_suffixed(environ, "_BASE_URL"),
    )


def _value(row: Setting, environ: Mapping[str, str]) -> Any:
    text = _read(row.name, environ)
    if text is None:
        return row.default
    if row.type is bool:
        return _switch(row.name, text)
    if row.type not in (int, float):
        return row.type(text)
    try:
        number = row.type(text)
    except ValueError:
        number = None
    if number is None or not row.least <= number <= row.most:
        kind = "a whole number" if row.type is int else "a number"
        raise StartError(
            f"{row.name} must be {kind} from {row.least:g} to {row.most:g}, not {text!r}."
        )
    return number


def _switch(name: str, text: str) -> bool:
    if text.lower() not in SWITCHES:
        raise StartError(f"{name} must be one of {', '.join(SWITCHES)}, not {text!r}.")
    return SWITCHES[text.lower()]


def _suffixed(environ: Mapping[str, str], suffix: str) -> dict[str, str]:
    """Providers' own variables, such as OPENAI_API_KEY, by lower-case provider name."""
    names = {name.removesuffix("_FILE") for name in environ}
    found = {name: _read(name, environ) for name in names if name.endswith(suffix)}
    return {name.removesuffix(suffix).lower(): value for name, value in found.items() if value}


def _read(name: str, environ: Mapping[str, str]) -> str | None:
    if environ.get(name):
        return environ[name]
    if path := environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise StartError(f"{name}_FILE points to {path}: {error.strerror}.") from None
    return None
