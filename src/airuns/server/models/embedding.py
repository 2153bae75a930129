"""Embeddings over HTTP: texts as vectors, from an endpoint that speaks OpenAI's protocol.

Source: OpenAI API reference, "Create embeddings".
"""

import math

import aiohttp
import msgspec

from airuns.errors import StartError
from airuns.server.models import catalog, transport
from airuns.server.models.call import Endpoint, ProviderError, Timeouts
from airuns.server.models.local import LocalModel
from airuns.server.settings import Settings

PATH = "embeddings"
SETTING = "AIRUNS_EMBEDDING_MODEL"


class EmbeddingModel(msgspec.Struct, frozen=True):
    """A model that embeds: `name` is as in provider/name, `model` the provider's own name."""

    endpoint: Endpoint
    model: str

    @property
    def name(self) -> str:
        return f"{self.endpoint.name}/{self.model}"


class _Item(msgspec.Struct):
    embedding: list[float]
    index: int | None = None


class _Answer(msgspec.Struct):
    data: list[_Item]


_ANSWER = msgspec.json.Decoder(_Answer)


def chosen(settings: Settings, local: LocalModel | None) -> EmbeddingModel | None:
    """Return the model that AIRUNS_EMBEDDING_MODEL names; None when it is not set.

    `local` is the server of its file, if it names one. Raises StartError, naming the remedy, when
    the provider is not configured in the environment.
    """
    asked = settings.embedding_model
    if not asked:
        return None
    if local is not None:
        return EmbeddingModel(local.endpoint, local.model)
    provider, _, name = asked.partition("/")
    usable = {each.name: each for each in catalog.endpoints(settings, [], None)}
    if provider in usable and name and usable[provider].protocol == "openai":
        return EmbeddingModel(usable[provider], name)
    if provider in usable and name:
        raise StartError(f"{SETTING} is {asked}, and {provider} has no embeddings.")
    if provider in catalog.BY_NAME and name:
        raise StartError(f"{SETTING} is {asked}: set {catalog.variable(provider)} too.")
    known = ", ".join(each.name for each in catalog.KNOWN if each.protocol == "openai")
    raise StartError(
        f"{SETTING} is {asked!r} and must be provider/name, with a provider of {known}, "
        "or a GGUF file."
    )


async def embed(
    model: EmbeddingModel,
    texts: list[str],
    session: aiohttp.ClientSession,
    timeouts: Timeouts,
) -> list[list[float]]:
    """Return a vector for each text, all of one length. Raises ProviderError."""
    body = msgspec.json.encode({"model": model.model, "input": texts})
    said = await transport.post(model.endpoint, PATH, body, session, timeouts)
    try:
        items = _ANSWER.decode(said).data
    except msgspec.DecodeError:
        raise _unreadable("is none") from None
    if all(each.index is not None for each in items):
        items.sort(key=lambda each: each.index or 0)
    vectors = [each.embedding for each in items]
    if len(vectors) != len(texts):
        raise _unreadable(f"has {len(vectors)} vectors for {len(texts)} texts")
    if len({len(each) for each in vectors}) > 1 or not all(vectors):
        raise _unreadable("has vectors of different lengths")
    if not all(math.isfinite(math.fsum(each)) and any(each) for each in vectors):
        raise _unreadable("has a vector without a direction")
    return vectors


def _unreadable(why: str) -> ProviderError:
    return ProviderError(f"The provider's answer with embeddings {why}.", kind="protocol")
