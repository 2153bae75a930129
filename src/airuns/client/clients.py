"""Clients of the whole HTTP API: the same methods, of which AsyncClient's are awaited."""

from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Any, Generic, ParamSpec, Self, TypeVar, cast

import httpx
import msgspec

from airuns.client import account, data, prompts, runs
from airuns.client.config import current
from airuns.client.endpoints import AsyncListing, C, Call, Listing, Page
from airuns.client.following import Reader
from airuns.client.problems import error_of, unavailable, unread
from airuns.errors import InvalidInput

P = ParamSpec("P")
T = TypeVar("T")
TIMEOUT = httpx.Timeout(60, connect=10)
RESUMES = 5


class _Parts(Generic[C]):
    """What both clients know: where the server is, and the parts of the API."""

    def __init__(self, url: str | None, api_key: str | None) -> None:
        known = current.get()
        self.url = (url or known.url or "").rstrip("/")
        key = api_key or known.api_key
        if not self.url or not key:
            raise InvalidInput("Set AIRUNS_URL and AIRUNS_API_KEY, or give url and api_key.")
        self.options: dict[str, Any] = {
            "base_url": self.url,
            "headers": {"Authorization": f"Bearer {key}"},
        }

    def _open(self, client: C) -> None:
        self.runs = runs.Runs(client)
        self.messages = runs.Messages(client)
        self.tasks = runs.Tasks(client)
        self.prompts = prompts.Prompts(client)
        self.models = prompts.Models(client)
        self.providers = prompts.Providers(client)
        self.aliases = prompts.Aliases(client)
        self.exports = data.Exports(client)
        self.attachments = data.Attachments(client)
        self.analytics = data.Analytics(client)
        self.budgets = data.Budgets(client)
        self.retention = data.Retention(client)
        self.events = data.Events(client)
        self.me = account.Myself(client)
        self.keys = account.Keys(client)
        self.sessions = account.Sessions(client)
        self.users = account.Users(client)


def _arguments(call: Call[Any]) -> dict[str, Any]:
    """Return what httpx sends for a call."""
    arguments: dict[str, Any] = {"params": call.params, "headers": dict(call.headers)}
    if call.body is not None:
        arguments["content"] = msgspec.json.encode(call.body)
        arguments["headers"]["Content-Type"] = "application/json"
    elif call.content is not None:
        arguments["content"] = call.content
        arguments["headers"].setdefault("Content-Type", "application/octet-stream")
    if call.shape == "events":
        arguments["timeout"] = httpx.Timeout(TIMEOUT.read, connect=TIMEOUT.connect)
    return arguments


def _read(call: Call[T], answer: httpx.Response) -> T:
    """Return what a call was answered. Raises AirunsError."""
    if not answer.is_success:
        raise error_of(answer)
    if call.result is type(None) or call.result is bytes:
        return cast("T", answer.content if call.result is bytes else None)
    try:
        return msgspec.json.decode(answer.content, type=call.result)
    except msgspec.MsgspecError as error:
        raise unread(answer, error) from error


class Client(_Parts["Client"]):
    """A client of the API; `url` and `api_key` are AIRUNS_URL and AIRUNS_API_KEY unless given.

    Errors are those of airuns.errors: what the server says of it, or Unavailable when it is not
    reached. `transport` takes the place of the network.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: httpx.Timeout | float = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(url, api_key)
        self._http = httpx.Client(**self.options, timeout=timeout, transport=transport)
        self._open(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask for anything, with httpx's options. Raises AirunsError when it was not a success."""
        try:
            answer = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise unavailable(self.url, error) from error
        if not answer.is_success:
            raise error_of(answer)
        return answer

    def send(self, call: Call[T]) -> T:
        """Send a call and return what it was answered."""
        return _read(call, self.request(call.method, call.path, **_arguments(call)))

    def stream(self, call: Call[T]) -> Iterator[T]:
        """Send a call and yield what comes; a task that is cut off is taken up where it was."""
        reader = Reader()
        follow = _Following(call)
        while True:
            try:
                asked = follow.call
                with self._http.stream(asked.method, asked.path, **_arguments(asked)) as answer:
                    if not answer.is_success:
                        answer.read()
                        raise error_of(answer)
                    for piece in answer.iter_bytes():
                        yield from follow.came(reader, piece)
                if not follow.is_cut():
                    return
            except httpx.HTTPError as error:
                follow.failed(self.url, error)
            reader = Reader()

    def listing(self, build: Callable[P, Call[Page[T]]]) -> Listing[P, T]:
        """Return a list whose pages are asked for by `build`."""
        return Listing(self, build)


class AsyncClient(_Parts["AsyncClient"]):
    """As Client, for asyncio."""

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: httpx.Timeout | float = TIMEOUT,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(url, api_key)
        self._http = httpx.AsyncClient(**self.options, timeout=timeout, transport=transport)
        self._open(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask for anything, with httpx's options. Raises AirunsError when it was not a success."""
        try:
            answer = await self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise unavailable(self.url, error) from error
        if not answer.is_success:
            raise error_of(answer)
        return answer

    async def send(self, call: Call[T]) -> T:
        """Send a call and return what it was answered."""
        return _read(call, await self.request(call.method, call.path, **_arguments(call)))

    async def stream(self, call: Call[T]) -> AsyncIterator[T]:
        """Send a call and yield what comes; a task that is cut off is taken up where it was."""
        reader = Reader()
        follow = _Following(call)
        while True:
            try:
                asked = follow.call
                async with self._http.stream(
                    asked.method, asked.path, **_arguments(asked)
                ) as answer:
                    if not answer.is_success:
                        await answer.aread()
                        raise error_of(answer)
                    async for piece in answer.aiter_bytes():
                        for event in follow.came(reader, piece):
                            yield event
                if not follow.is_cut():
                    return
            except httpx.HTTPError as error:
                follow.failed(self.url, error)
            reader = Reader()

    def listing(self, build: Callable[P, Call[Page[T]]]) -> AsyncListing[P, T]:
        """Return a list whose pages are asked for by `build`."""
        return AsyncListing(self, build)


class _Following:
    """How far a stream has come, and how it goes on when it breaks."""

    def __init__(self, call: Call[Any]) -> None:
        self.call: Call[Any] = call
        self._resumes = 0
        self._is_over = call.shape == "bytes"
        self._task_id: str | None = None

    def came(self, reader: Reader, piece: bytes) -> list[Any]:
        """Return what a piece brings: itself, or the events that are whole with it."""
        if self.call.shape == "bytes":
            return [piece]
        events = reader.feed(piece)
        for event in events:
            self._resumes = 0
            self._task_id = event.data["task_id"]
            self._is_over = event.is_last
            self.call = Call(
                "GET",
                f"/api/tasks/{self._task_id}/events",
                self.call.result,
                {"offset": event.offset},
                shape="events",
            )
        return events

    def is_cut(self) -> bool:
        """Say whether the stream ended before the task did."""
        self._resumes += 1
        return not self._is_over and self._task_id is not None and self._resumes <= RESUMES

    def failed(self, url: str, error: httpx.HTTPError) -> None:
        """Raise Unavailable unless the stream can go on."""
        if not self.is_cut():
            raise unavailable(url, error) from error
