"""The pages over a store of 100,000 runs: the server's time, and what a real browser sees."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from airuns.server.accounts import store
from airuns.server.accounts.guard import SESSION_COOKIE
from airuns.server.db import embedded
from airuns.server.db.door import Database
from airuns.server.db.unprivileged import account
from bench.figures import quantile, table
from bench.stage import Stage
from bench.tree import long_run, timed

FILL = Path(__file__).parents[1] / "tests" / "sql" / "fill.sql"
ROUNDS = 100
LOADS = 10
GOAL_MS = 30
LONG_GOAL_MS = 100
PROMPT = UUID("00000000-0000-0000-0001-000000000005")
# The layout shift as browsers define it: the worst window of at most 5 s without a gap of 1 s.
WATCH = """
let worst = 0, sum = 0, first = 0, last = 0;
window.shift = () => worst;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) {
    if (one.hadRecentInput) continue;
    const now = one.startTime;
    if (now - last > 1000 || now - first > 5000) [sum, first] = [0, now];
    last = now;
    worst = Math.max(worst, sum += one.value);
  }
}).observe({type: "layout-shift", buffered: true});
"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def measure(stage: Stage) -> None:
    """Fill the store and print both tables, with their goals."""
    with httpx.Client(base_url=stage.url, headers=stage.headers, timeout=60) as client:
        user_id = client.get("/api/me").json()["id"]
        _fill(stage, user_id)
        paths = _paths(client)
        _print_server(client, paths)
        prompt_id = _streaming_prompt(client)
    asyncio.run(_print_browser(stage, UUID(user_id), paths, prompt_id))


def _fill(stage: Stage, user_id: str) -> None:
    url = embedded.Cluster(stage.data_dir, account()).url(embedded.SUPERUSER)
    with psycopg.connect(url, autocommit=True) as root:
        root.execute("set session_replication_role = replica")
        root.execute("select set_config('fill.user_id', %s, false)", (user_id,))
        root.execute(FILL.read_bytes())
        root.execute("vacuum analyze")


def _paths(client: httpx.Client) -> dict[str, tuple[str, int]]:
    """Return what is asked for, by what it is called, and its goal in milliseconds."""
    body = {"prompt_id": str(PROMPT), "messages": [{"role": "user", "content": "hi"}]}
    run = client.post("/api/prompt/run", json=body | {"model": "openai/text:200"}).json()["run_id"]
    runner = f"/ai/prompts/run/{PROMPT}"
    return {
        "sidebar, fragment": (f"/ai/runs/sidebar?prompt_id={PROMPT}", GOAL_MS),
        "/ai/runs, first page": ("/ai/runs", GOAL_MS),
        "/ai/runs, source, tag and date": (
            "/ai/runs?source_type=prompt&tag=tag+7&since=2026-01-01",
            GOAL_MS,
        ),
        "/ai/runs, search by name": ("/ai/runs?q=Run+4711", GOAL_MS),
        "/ai/prompts": ("/ai/prompts", GOAL_MS),
        "runner, new": (runner, GOAL_MS),
        "runner, a run": (f"{runner}/{run}", GOAL_MS),
        "a run of 10,000 messages": (f"/ai/chat/{long_run(client, 10_000)}", LONG_GOAL_MS),
        "model picker, search": ("/ai/models/picker?q=gpt", GOAL_MS),
    }


def _print_server(client: httpx.Client, paths: dict[str, tuple[str, int]]) -> None:
    rows: list[list[str]] = []
    for name, (path, goal) in paths.items():
        times = _times(client, path)
        p50, p95 = quantile(times, 0.5), quantile(times, 0.95)
        kilobytes = len(_get(client, path).content) / 1000
        rows.append(
            [name, f"{p50:.1f}", f"{p95:.1f}", f"{goal}", f"{kilobytes:.0f}", _met(p95, goal)]
        )
    table(
        "Pages over HTTP with 100,000 runs in the store, milliseconds",
        ["page", "p50", "p95", "goal p95", "kB, not compressed", ""],
        rows,
    )


def _times(client: httpx.Client, path: str) -> list[float]:
    for _ in range(10):
        _get(client, path)
    return [timed(lambda: _get(client, path)) for _ in range(ROUNDS)]


def _get(client: httpx.Client, path: str) -> httpx.Response:
    headers = {"accept": "text/html", "accept-encoding": "identity"}
    return client.get(path, headers=headers, follow_redirects=True).raise_for_status()


def _met(value: float, goal: float) -> str:
    return "" if value < goal else "missed"


def _streaming_prompt(client: httpx.Client) -> str:
    body = {
        "name": "A streamed answer",
        "messages": [{"role": "system", "content": "Answer."}],
        "settings": {"model": "openai/text:150:20"},
    }
    return client.post("/api/prompts", json=body).raise_for_status().json()["id"]


async def _print_browser(
    stage: Stage, user_id: UUID, paths: dict[str, tuple[str, int]], prompt_id: str
) -> None:
    rows: list[list[str]] = []
    async with _browser() as browser:
        token = await _session(stage, user_id)
        for name in ("/ai/runs, first page", "runner, new", "runner, a run"):
            seen = [await _load(browser, stage, token, paths[name][0]) for _ in range(LOADS)]
            rows.append(_row(name, seen))
        streamed = await _stream(browser, stage, token, f"/ai/prompts/run/{prompt_id}")
        rows.append(
            ["runner, over a streamed answer", "", "", f"{streamed:.4f}", "", _met(streamed, 0.02)]
        )
    table(
        "Pages in Chromium, nothing cached. Goals: first paint < 300 ms, CLS < 0.02, < 150 kB",
        ["page", "first paint p50, ms", "at most", "CLS", "kB, compressed", ""],
        rows,
    )


def _row(name: str, seen: list[tuple[float, float, float]]) -> list[str]:
    paints, shifts, weights = (list(column) for column in zip(*seen, strict=True))
    paint, shift, weight = quantile(paints, 0.5), max(shifts), max(weights)
    met = _met(paint, 300) or _met(shift, 0.02) or _met(weight, 150)
    return [name, f"{paint:.0f}", f"{max(paints):.0f}", f"{shift:.4f}", f"{weight:.1f}", met]


@asynccontextmanager
async def _browser() -> AsyncIterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "Pages are measured in Chromium: apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        await browser.close()


async def _session(stage: Stage, user_id: UUID) -> str:
    db = Database(embedded.Cluster(stage.data_dir, account()).url(), 1)
    await db.open()
    token = await store.add_session(db, user_id, "bench", 1)
    await db.close()
    return token


async def _opened(browser: Browser, stage: Stage, token: str) -> tuple[BrowserContext, Page]:
    context = await browser.new_context(base_url=stage.url, viewport={"width": 1280, "height": 860})
    await context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": stage.url}])
    await context.add_init_script(WATCH)
    return context, await context.new_page()


async def _load(
    browser: Browser, stage: Stage, token: str, path: str
) -> tuple[float, float, float]:
    """Return the first paint in milliseconds, the layout shift, and the kilobytes that came."""
    context, page = await _opened(browser, stage, token)
    weighed: list[float] = []
    network = await context.new_cdp_session(page)
    await network.send("Network.enable")
    network.on("Network.loadingFinished", lambda one: weighed.append(one["encodedDataLength"]))
    await page.goto(path, wait_until="networkidle")
    paint: Any = await page.evaluate(PAINT)
    shift: Any = await page.evaluate("window.shift()")
    await context.close()
    return paint, shift, sum(weighed) / 1000


async def _stream(browser: Browser, stage: Stage, token: str, path: str) -> float:
    """Send a message and return the layout shift until its answer has ended."""
    context, page = await _opened(browser, stage, token)
    await page.goto(path, wait_until="networkidle")
    await page.locator("[data-message-text]").fill("Go on.")
    await page.locator("[data-send-message]").click()
    await page.locator(".message.assistant .meta", has_text="total").wait_for(timeout=60_000)
    shift: Any = await page.evaluate("window.shift()")
    await context.close()
    return shift
