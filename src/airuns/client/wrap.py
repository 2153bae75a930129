"""Recording what OpenAI's and Anthropic's own clients do, by listening to their connections.

A wrapped client stays the same object. Each of its requests opens a scope; what passes its httpx
transport within a scope is copied as it passes, and told as one call when it has ended: of several
attempts the last. Without a scope (another client on the same httpx client) nothing is copied.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from airuns.client.listening import Scope, current_scope, listen
from airuns.events import Protocol

T = TypeVar("T")

PATHS: dict[str, dict[str, Protocol]] = {
    "openai": {
        "/chat/completions": "openai.chat",
        "/responses": "openai.responses",
        "/embeddings": "openai.embeddings",
    },
    "anthropic": {"/v1/messages": "anthropic.messages"},
}
MARK = "_airuns_wrapped"
DERIVING = ("copy", "with_options")


def wrap(client: T, *, provider: str | None = None) -> T:
    """Record what an OpenAI, AsyncOpenAI, Anthropic or AsyncAnthropic client does; return it.

    It is the same object, and answers, streams and raises as before; so do those that its
    `with_options` makes. Chat completions, responses, embeddings and messages are recorded: in the
    run of the `with` block around them, else in the one whose conversation they go on with.
    `provider` names whose models these are when the address does not tell. Raises TypeError for
    another kind of object.
    """
    library = next((name for name in PATHS if _descends(client, name)), None)
    if library is None or not hasattr(client, "_client"):
        kind = f"{type(client).__module__}.{type(client).__name__}"
        raise TypeError(f"airuns.wrap takes a client of openai or anthropic, not {kind}.")
    if not hasattr(client, MARK):
        _wrap(client, PATHS[library], provider)
    return client


def _descends(client: object, library: str) -> bool:
    return any(base.__module__.partition(".")[0] == library for base in type(client).__mro__)


def _wrap(client: Any, paths: dict[str, Protocol], provider: str | None) -> None:
    http = client._client
    for transport in {http._transport, *http._mounts.values()} - {None}:
        listen(transport)
    client.request = _scoped(client.request, paths, provider)
    for name in DERIVING:
        setattr(client, name, _rewrapping(getattr(client, name), provider))
    setattr(client, MARK, True)


def _rewrapping(derive: Callable[..., Any], provider: str | None) -> Callable[..., Any]:
    @wraps(derive)
    def rewrapped(*args: Any, **kwargs: Any) -> Any:
        return wrap(derive(*args, **kwargs), provider=provider)

    return rewrapped


def _scoped(
    request: Callable[..., Any], paths: dict[str, Protocol], provider: str | None
) -> Callable[..., Any]:
    """Return the method that all requests of a client go through, opening a scope for each."""

    @wraps(request)
    def scoped(*args: Any, **kwargs: Any) -> Any:
        scope = Scope(paths, provider)
        token = current_scope.set(scope)
        try:
            return request(*args, **kwargs)
        finally:
            current_scope.reset(token)
            scope.leave()

    @wraps(request)
    async def scoped_async(*args: Any, **kwargs: Any) -> Any:
        scope = Scope(paths, provider)
        token = current_scope.set(scope)
        try:
            return await request(*args, **kwargs)
        finally:
            current_scope.reset(token)
            scope.leave()

    return scoped_async if inspect.iscoroutinefunction(request) else scoped
