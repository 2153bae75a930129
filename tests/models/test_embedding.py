"""Texts as vectors: from a provider, whose answers are checked, and from a file."""

import importlib.util
import struct
from pathlib import Path
from typing import Any

import aiohttp
import aiohttp.web
import msgspec
import pytest

from airuns.errors import StartError
from airuns.server import settings
from airuns.server.models import embedding, local
from airuns.server.models.call import Endpoint, ProviderError, Timeouts
from airuns.server.models.embedding import EmbeddingModel
from airuns.server.models.local import _default_file  # pyright: ignore[reportPrivateUsage]
from tests.provider import ScriptedProvider
from tests.provider.meanings import vector

PATIENT = Timeouts(connect=60, first_token=120, between_tokens=120, total=300)
ENDPOINT = Endpoint(name="openai", protocol="openai", base_url="", key="key")


async def embed(model: EmbeddingModel, *texts: str) -> list[list[float]]:
    async with aiohttp.ClientSession() as session:
        return await embedding.embed(model, list(texts), session, PATIENT)


async def test_vectors_come_in_the_order_of_their_texts(provider: ScriptedProvider) -> None:
    endpoint = msgspec.structs.replace(ENDPOINT, base_url=f"{provider.url}/v1")
    model = EmbeddingModel(endpoint, "meaning:8")
    assert model.name == "openai/meaning:8"
    assert await embed(model, "one", "two") == [vector("one", 8), vector("two", 8)]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("[]", "0 vectors for 2 texts"),
        ('[{"embedding": [1]}, {"embedding": [1, 2]}]', "different lengths"),
        ('[{"embedding": []}, {"embedding": []}]', "different lengths"),
        ('[{"embedding": [0]}, {"embedding": [1]}]', "without a direction"),
        ('"Hi"', "is none"),
    ],
)
async def test_what_is_no_vector_is_refused(data: str, says: str) -> None:
    async def answer(_: aiohttp.web.Request) -> aiohttp.web.Response:
        return aiohttp.web.Response(text=f'{{"data": {data}}}')

    app = aiohttp.web.Application()
    app.router.add_post("/v1/embeddings", answer)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    try:
        await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        with pytest.raises(ProviderError, match=says) as caught:
            await embed(
                EmbeddingModel(msgspec.structs.replace(ENDPOINT, base_url=url), "m"), "a", "b"
            )
        assert caught.value.kind == "protocol"
    finally:
        await runner.cleanup()


def serve(path: Path) -> Any:
    given = settings.load({"AIRUNS_EMBEDDING_MODEL": str(path)}, data_dir=path.parent)
    served = local.start_embedding(given)
    assert served is not None
    return served, embedding.chosen(given, served)


def _text(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def pooling(path: Path, made: Path) -> Path:
    """Make a model that says how it puts a text together, as those for embeddings do.

    Two entries more in its head, of 64 bytes, so that all that follows stays where it is aligned.
    """
    model = path.read_bytes()
    head, entries = struct.unpack("<16sQ", model[:24])
    mean = _text(b"llama.pooling_type") + struct.pack("<II", 4, 1)
    rest = _text(b"x") + struct.pack("<I", 8) + _text(b"-" * 9)
    assert len(mean + rest) == 64
    made.write_bytes(struct.pack("<16sQ", head, entries + 2) + mean + rest + model[24:])
    return made


@pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None, reason="the extra `local` is not installed"
)
async def test_a_file_embeds_if_it_is_made_for_it(tmp_path: Path) -> None:
    chat = _default_file()
    assert chat is not None
    with pytest.raises(StartError, match="needs a model made for it"):
        serve(chat)
    served, model = serve(pooling(chat, tmp_path / "Mean.gguf"))
    assert model.name == "local/mean"
    assert [len(each) for each in await embed(model, "a", "b")] == [576, 576]
    served.stop()
