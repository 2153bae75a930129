"""Providers that speak neither protocol (Bedrock, Vertex, …), through any-llm-sdk.

The package is the extra `airuns[providers]`. It takes seconds to import, so it is imported at the
first call, in a thread. Its answers have the shape of OpenAI's chunks. An endpoint's name is the
name of any-llm's provider.
"""

import asyncio
import importlib
import inspect
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

import msgspec

from airuns.server.models import failures, openai
from airuns.server.models.call import Call, Endpoint, Piece, ProviderError, Timeouts
from airuns.server.models.chat import openai_messages
from airuns.server.models.limits import Limits
from airuns.server.models.sse import Event


def body(call: Call) -> bytes:
    """Return what any-llm is asked, as JSON; the same call gives the same bytes."""
    return msgspec.json.encode(_request(call))


async def stream(call: Call, timeouts: Timeouts) -> AsyncGenerator[Piece, None]:
    """Call the model and yield its answer; the last piece is `Finished`. Raises ProviderError."""
    limits = Limits(timeouts)
    decoder = openai.Decoder()
    model = None
    try:
        model = await limits.wait(asyncio.to_thread(_model, call.endpoint))
        async with aclosing(await limits.wait(model.acompletion(**_request(call)))) as chunks:
            while (chunk := await limits.wait(anext(chunks, None))) is not None:
                before = decoder.answer.progress
                for piece in decoder.feed(Event("message", chunk.model_dump_json().encode())):
                    yield piece
                if decoder.answer.progress != before:
                    limits.restart()
    except ProviderError as error:
        raise failures.shown(error, call.endpoint, None) from None
    except Exception as error:  # any-llm hands on what each provider's own library raises
        raise _failed(error, call.endpoint) from None
    finally:
        await _close(model)
    for piece in decoder.answer.finish():
        yield piece


def _request(call: Call) -> dict[str, Any]:
    settings = {name: value for name, value in call.settings.items() if value is not None}
    messages = openai_messages(call.messages, marks=False)
    return settings | {"model": call.model, "messages": messages, "stream": True}


def _model(endpoint: Endpoint) -> Any:
    try:
        library = importlib.import_module("any_llm")
    except ModuleNotFoundError:
        raise ProviderError(
            f"{endpoint.name} needs a package that is not installed: pip install airuns[providers]"
        ) from None
    return library.AnyLLM.create(
        endpoint.name,
        api_key=endpoint.key,
        api_base=endpoint.base_url or None,
        unified_exceptions=True,
    )


async def _close(model: Any) -> None:
    """Close the provider's own client, which any-llm makes for each model and never closes."""
    close = getattr(getattr(model, "client", None), "close", None)
    if close is not None and inspect.isawaitable(closing := close()):
        await closing


def _failed(error: Exception, endpoint: Endpoint) -> ProviderError:
    told = cast("Any", error)  # AnyLLMError has these fields, other errors have none of them
    status: int | None = getattr(told, "status_code", None)
    retry_after = getattr(told, "retry_after", None)
    code = getattr(told, "code", None)
    return ProviderError(
        failures.scrubbed(str(getattr(told, "message", error)), endpoint),
        status=status,
        code=None if code is None else str(code),
        transient=status is not None and failures.is_transient(status),
        retry_after=None if retry_after is None else float(retry_after),
    )
