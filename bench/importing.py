"""Imports of ChatGPT's export: conversations a second, and the server's memory by their number."""

import json
import random
import tempfile
import threading
import time
import zipfile
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from airuns.dev.words import Texts, code
from bench.figures import table
from bench.stage import Stage, memory

SIZES = (5_000, 50_000)
A_FILE = 100  # conversations in each of the many files of 2026
START = 1_700_000_000.0


def measure(stage: Stage, most: int) -> None:
    """Import as many conversations of each size as are asked for at `most`, each into nothing."""
    texts = Texts(1)
    rows: list[list[str]] = []
    for number, size in enumerate(size for size in SIZES if size <= most):
        with tempfile.NamedTemporaryFile(suffix=".zip") as file:
            made = _make(Path(file.name), texts, number + 1, size)
            rows.append(_row(stage, Path(file.name), size, made))
    columns = ["conversations", "messages", "zip MB", "JSON MB", "seconds", "conversations/s"]
    columns += ["messages/s", "memory before, MB", "most, MB"]
    table("Import of ChatGPT's export through HTTP", columns, rows)


def _row(stage: Stage, path: Path, size: int, made: tuple[int, int]) -> list[str]:
    messages, written = made
    before = memory(stage.pid)
    with _Watched(stage.pid) as watched:
        began = time.monotonic()
        with path.open("rb") as file, httpx.Client(timeout=None) as client:  # noqa: S113
            url = f"{stage.url}/api/import"
            report = client.post(url, headers=stage.headers, content=file).json()
        seconds = time.monotonic() - began
    assert report["added"]["run"] == size, report
    assert report["added"]["message"] == messages, report
    return [
        f"{size:,}",
        f"{messages:,}",
        f"{path.stat().st_size / 1e6:.0f}",
        f"{written / 1e6:.0f}",
        f"{seconds:.1f}",
        f"{size / seconds:,.0f}",
        f"{messages / seconds:,.0f}",
        f"{before:.0f}",
        f"{watched.most:.0f}",
    ]


class _Watched:
    """Looks at the memory of a process again and again; `most` is in MB."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.most = 0.0

    def __enter__(self) -> "_Watched":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.2):
            self.most = max(self.most, memory(self._pid))


def _make(path: Path, texts: Texts, seed: int, size: int) -> tuple[int, int]:
    """Write an export; return its messages and its bytes as they are without the zip."""
    rng = random.Random(seed)
    messages = written = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for first in range(0, size, A_FILE):
            made = [_conversation(rng, texts) for _ in range(min(A_FILE, size - first))]
            content = json.dumps(made)
            messages += sum(len(each["mapping"]) - 1 for each in made)
            written += len(content)
            out.writestr(f"conversations-{first // A_FILE:03}.json", content)
    return messages, written


def _conversation(rng: random.Random, texts: Texts) -> dict[str, Any]:
    """Return a conversation: some questions with answers, one in five of them regenerated."""
    at = START + rng.random() * 60_000_000
    language = texts.language(rng)
    mapping: dict[str, Any] = {"root": {"id": "root", "message": None, "parent": None}}
    above = "root"
    for _ in range(min(1 + int(rng.expovariate(0.35)), 30)):
        question = _node(rng, mapping, above, "user", language.some(rng, rng.randrange(5, 40)), at)
        for _ in range(1 + (rng.random() < 0.2)):
            words = language.some(rng, rng.randrange(40, 300))
            words += f"\n\n{code(rng)}" if rng.random() < 0.2 else ""
            above = _node(rng, mapping, question, "assistant", words, at + 20)
        at += 60
    own = str(UUID(int=rng.getrandbits(128), version=4))
    return {
        "title": language.some(rng, 5)[:80],
        "create_time": START,
        "update_time": at,
        "mapping": mapping,
        "current_node": above,
        "conversation_id": own,
        "id": own,
        "default_model_slug": "gpt-4o",
    }


def _node(
    rng: random.Random, mapping: dict[str, Any], above: str, role: str, words: str, at: float
) -> str:
    key = str(UUID(int=rng.getrandbits(128), version=4))
    more = {"model_slug": "gpt-4o"} if role == "assistant" else {}
    message: dict[str, Any] = {
        "id": key,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": at,
        "content": {"content_type": "text", "parts": [words]},
        "status": "finished_successfully",
        "metadata": more,
        "recipient": "all",
    }
    mapping[key] = {"id": key, "message": message, "parent": above, "children": []}
    mapping[above].setdefault("children", []).append(key)
    return key
