"""One table of the API for both clients: a method builds a call, the client it is of sends it.

A resource of `Client` returns what the server answered, one of `AsyncClient` what is to be awaited
(or iterated over), from the same method.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, ParamSpec, TypeVar, overload
from urllib.parse import quote
from uuid import UUID

import msgspec

if TYPE_CHECKING:
    from airuns.client.clients import AsyncClient, Client

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C")
Id = UUID | str


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A page of a list; `next_cursor` asks for the one that follows, None: it is the last."""

    items: list[T]
    next_cursor: str | None = None


class Call(msgspec.Struct, Generic[T], frozen=True):
    """A request; `result` is the type that its JSON is read as, bytes as it is, None nothing.

    `events` and `lines` are for streams: server-sent events, or pieces as they come.
    """

    method: str
    path: str
    result: Any
    params: dict[str, Any]
    body: Any = None
    content: bytes | None = None
    headers: dict[str, str] = {}
    shape: Literal["whole", "events", "bytes"] = "whole"


def call(
    result: type[T],
    method: str,
    template: str,
    *ids: Id,
    params: Mapping[str, object] | None = None,
    body: Any = None,
    content: bytes | None = None,
    shape: Literal["whole", "events", "bytes"] = "whole",
    headers: dict[str, str] | None = None,
) -> Call[T]:
    """Return a call; each {} of the path's template is one of `ids`."""
    path = template.format(*(quote(str(each), safe="/" if each is ids[-1] else "") for each in ids))
    known = {name: _param(value) for name, value in (params or {}).items() if value is not None}
    return Call(method, path, result, known, body, content, headers or {}, shape)


def _param(value: Any) -> Any:
    if isinstance(value, list):
        return [_param(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    return msgspec.to_builtins(value)


class Resource(Generic[C]):
    """A part of the API, as methods of a client."""

    def __init__(self, client: C) -> None:
        self.client = client


class endpoint(Generic[P, T]):  # noqa: N801  # used as a decorator, like property
    """A method that answers with one result."""

    def __init__(self, build: Callable[Concatenate[Any, P], Call[T]]) -> None:
        self.build = build
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, resource: "Resource[Client]", owner: Any = None) -> Callable[P, T]: ...
    @overload
    def __get__(
        self, resource: "Resource[AsyncClient]", owner: Any = None
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, resource: Any, owner: Any = None) -> Any:
        if resource is None:
            return self

        def send(*args: P.args, **kwargs: P.kwargs) -> Any:
            return resource.client.send(self.build(resource, *args, **kwargs))

        send.__doc__ = self.__doc__
        return send


class streamed(Generic[P, T]):  # noqa: N801
    """A method whose answer is iterated over as it comes."""

    def __init__(self, build: Callable[Concatenate[Any, P], Call[T]]) -> None:
        self.build = build
        self.__doc__ = build.__doc__

    @overload
    def __get__(
        self, resource: "Resource[Client]", owner: Any = None
    ) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(
        self, resource: "Resource[AsyncClient]", owner: Any = None
    ) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, resource: Any, owner: Any = None) -> Any:
        if resource is None:
            return self

        def stream(*args: P.args, **kwargs: P.kwargs) -> Any:
            return resource.client.stream(self.build(resource, *args, **kwargs))

        stream.__doc__ = self.__doc__
        return stream


class Listing(Generic[P, T]):
    """A list of a Client: call it for one page, or iterate over `all(…)` of them."""

    def __init__(self, client: "Client", build: Callable[P, Call[Page[T]]]) -> None:
        self._client = client
        self._build = build

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Page[T]:
        """Return a page; `limit` is how many items, `cursor` that of the page before."""
        return self._client.send(self._build(*args, **kwargs))

    def all(self, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        """Iterate over everything that the query finds, page by page."""
        asked = self._build(*args, **kwargs)
        while True:
            page = self._client.send(asked)
            yield from page.items
            if page.next_cursor is None:
                return
            asked = _next(asked, page.next_cursor)


class AsyncListing(Generic[P, T]):
    """A list of an AsyncClient: await it for one page, or iterate over `all(…)` of them."""

    def __init__(self, client: "AsyncClient", build: Callable[P, Call[Page[T]]]) -> None:
        self._client = client
        self._build = build

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Page[T]:
        """Return a page; `limit` is how many items, `cursor` that of the page before."""
        return await self._client.send(self._build(*args, **kwargs))

    async def all(self, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        """Iterate over everything that the query finds, page by page."""
        asked = self._build(*args, **kwargs)
        while True:
            page = await self._client.send(asked)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            asked = _next(asked, page.next_cursor)


def _next(asked: Call[T], cursor: str) -> Call[T]:
    return msgspec.structs.replace(asked, params={**asked.params, "cursor": cursor})


class listing(Generic[P, T]):  # noqa: N801
    """A method that answers with a page of a list."""

    def __init__(self, build: Callable[Concatenate[Any, P], Call[Page[T]]]) -> None:
        self.build = build
        self.__doc__ = build.__doc__

    @overload
    def __get__(self, resource: "Resource[Client]", owner: Any = None) -> Listing[P, T]: ...
    @overload
    def __get__(
        self, resource: "Resource[AsyncClient]", owner: Any = None
    ) -> AsyncListing[P, T]: ...
    def __get__(self, resource: Any, owner: Any = None) -> Any:
        if resource is None:
            return self

        def build(*args: P.args, **kwargs: P.kwargs) -> Call[Page[T]]:
            return self.build(resource, *args, **kwargs)

        return resource.client.listing(build)
