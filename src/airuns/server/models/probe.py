"""Tries a provider out, so that its user knows before the first run whether it works."""

import time
from contextlib import aclosing

import aiohttp
import msgspec

from airuns.server.models import failures, transport
from airuns.server.models.call import Call, Endpoint, ProviderError, Timeouts

TIMEOUTS = Timeouts(connect=5, first_token=20, between_tokens=20, total=20)
MOST_MODELS = 1000


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a trial: `message` is the provider's own when it failed; `models` if it told."""

    ok: bool
    message: str
    status: int | None = None
    models: list[str] | None = None
    seconds: float


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


async def probe(endpoint: Endpoint, model: str | None, session: aiohttp.ClientSession) -> Probe:
    """List the provider's models, or with `model` ask that one for a single token."""
    began = time.monotonic()
    try:
        found = None
        if model is None:
            found = await _models(endpoint, session)
        else:
            await _call(endpoint, model, session)
    except ProviderError as error:
        return Probe(
            ok=False,
            message=error.message,
            status=error.status,
            seconds=time.monotonic() - began,
        )
    return Probe(ok=True, message="It answers.", models=found, seconds=time.monotonic() - began)


async def _call(endpoint: Endpoint, model: str, session: aiohttp.ClientSession) -> None:
    call = Call(
        endpoint=endpoint,
        model=model,
        messages=[{"role": "user", "content": "Hello"}],
        settings={"max_tokens": 1},
    )
    async with aclosing(transport.stream(call, session, TIMEOUTS)) as pieces:
        async for _ in pieces:
            pass


async def _models(endpoint: Endpoint, session: aiohttp.ClientSession) -> list[str]:
    body = await transport.get(endpoint, "models", session, TIMEOUTS)
    try:
        found = msgspec.json.decode(body, type=_Models)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ProviderError(
            f"{endpoint.name} answered, but with no list of models: try again with a model's name."
        ) from None
    return sorted(failures.scrubbed(model.id, endpoint) for model in found.data[:MOST_MODELS])
