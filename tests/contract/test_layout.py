"""The house's rules: who may import whom, and that importing does nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "airuns"
SERVER = SOURCE / "server"
FEATURES = {folder.name for folder in SERVER.iterdir() if (folder / "store.py").exists()}
MODULES = sorted(SOURCE.rglob("*.py"))
# What a feature may use of another beside its store: pure rules, and the types of a model call.
SHARED = {
    "accounts": {"guard"},
    "prompts": {"lists", "rules"},
    "recorder": {"recorder", "rules"},
    "attachments": {"rules"},
    "runs": {"api", "changes", "lists", "pages", "paths", "records", "rules", "submission"},
    "retention": {"rules"},
    "search": {"hits", "match", "meaning", "query"},
    "models": {
        *("call", "catalog", "embedding", "estimate", "listing", "local", "prices", "texts"),
        *("failures", "reading", "transport", "usage", "vault"),
    },
}
ASSEMBLY = {"app.py", "serve.py"}


def imported(path: Path) -> set[str]:
    """Return the full names that a module imports, when it is imported or later."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_features_meet_only_through_their_stores(path: Path) -> None:
    parts = path.relative_to(SERVER).parts if path.is_relative_to(SERVER) else ()
    if not parts or path.name in ASSEMBLY:
        return
    own = parts[0] if parts[0] in FEATURES else None
    for name in imported(path):
        *_, feature, module = ("", "", *name.split(".")[2:4])
        assert not name.startswith("airuns.server.app"), f"{path.name} imports the assembly"
        if not name.startswith("airuns.server.") or feature not in FEATURES or feature == own:
            continue
        assert own is not None, f"{path.name} is core and imports the feature {feature}"
        allowed = {"store"} | SHARED.get(feature, set())
        assert module in allowed, f"{'/'.join(parts)} reaches into {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_file_is_a_place_where_two_things_live(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


def test_the_base_package_does_not_import_the_server() -> None:
    check = (
        "import sys, airuns, airuns.errors, airuns.wire\n"
        "heavy = ('airuns.server', 'litestar', 'psycopg')\n"
        "heavy = [name for name in sys.modules if name.startswith(heavy)]\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", check], check=True)


def test_importing_has_no_effects() -> None:
    """No connection, process or file for writing is opened; nothing heavy comes along."""
    check = """
import os, sys
seen = []
def hook(event, args):
    if event in ("socket.connect", "subprocess.Popen") or (
        event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    ):
        seen.append((event, str(args)[:100]))
sys.addaudithook(hook)
import airuns.server.app, airuns.server.serve, airuns.cli
assert not seen, seen
heavy = {"sqlalchemy", "alembic", "genai_prices", "any_llm", "xllamacpp", "openai", "anthropic"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-B", "-c", check], check=True)
