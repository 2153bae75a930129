"""The decorator for a function that calls a model by itself."""

import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import suppress
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar, cast, overload

from airuns.client.fields import TaskFields
from airuns.client.tracking import Run, Task, current_run, run

P = ParamSpec("P")
T = TypeVar("T")
Function = Callable[P, T]


@overload
def track(function: Function[P, T]) -> Function[P, T]: ...
@overload
def track(
    *, name: str | None = None, model: str | None = None, provider: str | None = None
) -> Callable[[Function[P, T]], Function[P, T]]: ...
def track(
    function: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    model: str | None = None,
    provider: str | None = None,
) -> Any:
    """Record each call of a function as a task, in the current run or in one of its own.

    For functions that ask a model without a wrapped client: plain, async, generators of both kinds.
    What was asked is the argument `messages`, else the first text among the arguments; the answer
    is the text that is returned or yielded, or a mapping or pydantic model. `current_task()` inside
    the function can tell more (tokens, cost, …). The function's results and exceptions stay as they
    are.
    """

    def tracked(function: Callable[..., Any]) -> Callable[..., Any]:
        return _tracked(function, name, model, provider)

    return tracked if function is None else tracked(function)


def _tracked(
    function: Callable[..., Any], name: str | None, model: str | None, provider: str | None
) -> Callable[..., Any]:
    """Return a function of the same kind, for inspect and frameworks look at that."""
    about = _Tracked(function, name or getattr(function, "__name__", "task"), model, provider)
    if inspect.isasyncgenfunction(function):
        return _yielding_async(about)
    if inspect.isgeneratorfunction(function):
        return _yielding(about)
    if inspect.iscoroutinefunction(function):
        return _awaited(about)
    return _plain(about)


def _plain(about: "_Tracked") -> Callable[..., Any]:
    @wraps(about.function)
    def tracked(*args: Any, **kwargs: Any) -> Any:
        where, task = about.begin(args, kwargs)
        with where.inside(), task:
            result = about.function(*args, **kwargs)
            _answered(task, result)
            return result

    return tracked


def _awaited(about: "_Tracked") -> Callable[..., Any]:
    @wraps(about.function)
    async def tracked(*args: Any, **kwargs: Any) -> Any:
        where, task = about.begin(args, kwargs)
        with where.inside(), task:
            result = await about.function(*args, **kwargs)
            _answered(task, result)
            return result

    return tracked


def _yielding(about: "_Tracked") -> Callable[..., Any]:
    """Each step is in the task; what the consumer does between them is not."""

    @wraps(about.function)
    def tracked(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        pieces = about.function(*args, **kwargs)
        where, task = about.begin(args, kwargs)
        step = partial(next, pieces)
        try:
            while True:
                with where.inside(), task.inside():
                    piece = step()
                _came(task, piece)
                try:
                    step = partial(pieces.send, (yield piece))
                except Exception as thrown:
                    step = partial(pieces.throw, thrown)
        except StopIteration as end:
            task.complete()
            return end.value
        except BaseException as error:
            task.end_with(error)
            raise
        finally:
            pieces.close()

    return tracked


def _yielding_async(about: "_Tracked") -> Callable[..., Any]:
    @wraps(about.function)
    async def tracked(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        pieces = about.function(*args, **kwargs)
        where, task = about.begin(args, kwargs)
        step = partial(pieces.asend, None)
        try:
            while True:
                with where.inside(), task.inside():
                    piece = await step()
                _came(task, piece)
                try:
                    step = partial(pieces.asend, (yield piece))
                except Exception as thrown:
                    step = partial(pieces.athrow, thrown)
        except StopAsyncIteration:
            task.complete()
        except BaseException as error:
            task.end_with(error)
            raise
        finally:
            await pieces.aclose()

    return tracked


class _Tracked:
    """A function, and what is told of its calls."""

    def __init__(
        self, function: Callable[..., Any], name: str, model: str | None, provider: str | None
    ) -> None:
        self.function = function
        self.name = name[:100]
        self.model = model
        self.provider = provider
        self.signature = inspect.signature(function)

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Run, Task]:
        """Tell that the function is called."""
        where = current_run() or run(self.name)
        fields = TaskFields(task_name=self.name)
        if self.provider is not None:
            fields["provider"] = self.provider
        return where, where.create_task(self.model, messages=self._asked(args, kwargs), **fields)

    def _asked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any] | None:
        try:
            given = self.signature.bind(*args, **kwargs).arguments
        except TypeError:  # the function itself is about to say so
            return None
        if isinstance(messages := given.get("messages"), list):
            return cast("list[Any]", messages)
        texts = [value for value in given.values() if isinstance(value, str)]
        return [{"role": "user", "content": texts[0]}] if texts else None


def _came(task: Task, piece: Any) -> None:
    if isinstance(piece, str):
        task.update(piece)


def _answered(task: Task, result: Any) -> None:
    """Note what a function returned, if that says something."""
    if task.has_ended:
        return
    if isinstance(result, str):
        task.update(response_text=result)
    elif isinstance(result, Mapping):
        task.update(response_data=dict(cast("Mapping[str, Any]", result)))
    elif callable(getattr(result, "model_dump", None)):
        with suppress(Exception):  # it is somebody else's, and recording must not fail the call
            task.update(response_data=result.model_dump(mode="json"))
