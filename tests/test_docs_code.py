"""The code on the pages of docs does what the pages say: each page runs against a real server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs_code import blocks
from tests.people import ALICE
from tests.provider import Script, ScriptedProvider
from tests.serving import AIRUNS, Served, environment

PAGES = [page for page in sorted(Path("docs").glob("*.md")) if list(blocks(page.read_text()))]
ANSWERS = {"gpt-4.1-mini": "Paris.", "claude-sonnet-4-5": "Paris, of course."}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(
    page: Path,
    server: Served,
    provider: ScriptedProvider,
    database_url: str,
    provider_env: dict[str, str],
    tmp_path: Path,
) -> None:
    for model, text in ANSWERS.items():
        provider.script(model, Script(pieces=(text,)))
    env = environment(
        tmp_path / "data",
        AIRUNS_URL=server.url,
        AIRUNS_API_KEY=ALICE.key,
        AIRUNS_DATABASE_URL=database_url,
        PATH=f"{AIRUNS.parent}:{os.defpath}",
        PYTHONPATH=Path.cwd(),
        **provider_env,
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs_code", page.absolute()],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_blocks_run_in_order_and_share_what_they_make(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```sh test\nexport WHO=Ada\n```\n```python test\nimport os\nwho = os.environ['WHO']\n"
        "os.environ['HELLO'] = f'Hello {who}'\n```\n```python\nnot run\n```\n"
        '```console test\n$ echo "$HELLO,\n> how are you?"\nHello Ada,\n… you?\n$ false || true\n'
        "```\n```python test\nassert who == 'Ada'\n```\n"
    )
    assert _run(page).returncode == 0


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("python test\nassert 1 == 2\n", 'page.md", line 4'),
        ("sh test\nfalse\ntrue\n", "exit code 1"),
        ("console test\n$ echo yes\nno\n", "printed\nyes"),
    ],
)
def test_a_block_that_fails_says_where(block: str, said: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n\n```{block}```\n")
    done = _run(page)
    assert done.returncode == 1
    assert said in done.stderr


def _run(page: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.docs_code", page]
    return subprocess.run(command, capture_output=True, text=True)
