"""What the SDK adds to the program that uses it, while it delivers to a real server.

Times are of the caller's thread, as it felt them (wall) and as it worked (CPU); the rest happens on
a thread of its own, with which it shares the interpreter.
"""

import tempfile
import time
from collections.abc import Callable
from typing import Any

import openai

import airuns
from bench.figures import quantile, table
from bench.stage import Stage

EVENTS = 3000
CALLS = 300
TEXT = "x" * 2000
Times = tuple[list[float], list[float]]


def measure(where: Stage) -> None:
    """Print the cost of an event at full speed and at 200 per second, and of a wrapped call."""
    with tempfile.TemporaryDirectory(prefix="airuns-bench-") as folder:
        airuns.configure(url=where.url, api_key=where.key, queue_dir=folder, disabled=False)
        run = airuns.run("bench")
        rows = [
            _row("events of 2 kB, one after the other", _times(lambda: _event(run), EVENTS)),
            _row("events of 2 kB, 200 per second", _times(lambda: _event(run), 600, pause=0.005)),
        ]
        began = time.perf_counter()
        assert airuns.flush(60)
        flushed = time.perf_counter() - began
        rows += _calls(where)
        assert airuns.flush(60)
        airuns.configure(disabled=True)
    columns = ["", "wall p50 µs", "wall p99 µs", "CPU p50 µs", "CPU p99 µs"]
    table("Added to the caller's thread by the SDK", columns, rows)
    print(f"  the last of {EVENTS + 600:,} events was durable on the server {flushed:.1f} s later")


def _event(run: airuns.Run) -> None:
    run.add_message("user", TEXT)


def _calls(where: Stage) -> list[list[str]]:
    """Measure calls with and without the wrapper in turns, and the difference of each pair."""
    rows: list[list[str]] = []
    given: dict[str, Any] = {"api_key": "bench", "base_url": f"{where.provider_url}/v1"}
    asked: dict[str, Any] = {"messages": [{"role": "user", "content": TEXT}]}
    with openai.OpenAI(**given) as plain, openai.OpenAI(**given) as other:
        wrapped = airuns.wrap(other)

        def whole(client: openai.OpenAI) -> None:
            client.chat.completions.create(model="text:20", **asked)

        def streamed(client: openai.OpenAI) -> None:
            for _ in client.chat.completions.create(model="text:20", stream=True, **asked):
                pass

        for name, use in (("call", whole), ("streaming call of 20 pieces", streamed)):
            pairs = [(_time(use, plain), _time(use, wrapped)) for _ in range(CALLS)]
            with_, without = [[pair[n] for pair in pairs] for n in (1, 0)]
            rows.append(
                [f"wrapped {name}, difference of the medians", *_difference(with_, without)]
            )
    return rows


def _difference(with_: list[tuple[float, float]], without: list[tuple[float, float]]) -> list[str]:
    medians = [
        quantile([each[n] for each in with_], 0.5) - quantile([each[n] for each in without], 0.5)
        for n in (0, 1)
    ]
    return [f"{medians[0]:.0f}", "", f"{medians[1]:.0f}", ""]


def _times(act: Callable[[], None], count: int, pause: float = 0) -> Times:
    taken: list[tuple[float, float]] = []
    for _ in range(count):
        taken.append(_time(lambda _: act(), None))
        if pause:
            time.sleep(pause)
    return [wall for wall, _ in taken], [cpu for _, cpu in taken]


def _time(act: Callable[[Any], None], argument: Any) -> tuple[float, float]:
    """Return how many µs something took: wall time, and CPU time of this thread."""
    wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
    act(argument)
    ended, worked = time.perf_counter_ns(), time.thread_time_ns()
    return (ended - wall) / 1000, (worked - cpu) / 1000


def _row(name: str, times: Times) -> list[str]:
    wall, cpu = times
    return [name, *(f"{quantile(of, q):.0f}" for of in (wall, cpu) for q in (0.5, 0.99))]
