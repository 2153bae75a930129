"""Writes the types of the API that the SDK's client uses: `python -m tools.client_types`.

They are read out of the OpenAPI document; a test says when they are not what they should be. What
the API answers are structs, which take no harm from new fields; what it is asked are TypedDicts,
for keyword arguments.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from airuns.server.app import create_app
from airuns.server.settings import load

FOLDER = Path(__file__).parents[1] / "src" / "airuns" / "client"
GROUPS = {
    "runs": ("runs", "messages", "tasks"),
    "prompts": ("prompts", "models"),
    "usage": ("analytics",),
    "store": None,
}
FORMATS = {"uuid": "UUID", "date-time": "datetime"}
SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
IMPORTS = (
    "from datetime import datetime\n"
    "from typing import Any, Literal, Required, TypedDict\n"
    "from uuid import UUID\n\nimport msgspec\n"
)
Schema = dict[str, Any]


def document() -> Schema:
    """Return the OpenAPI document of this version, without a database or a server."""
    with tempfile.TemporaryDirectory() as folder:
        given = {"AIRUNS_DATABASE_URL": "postgresql://nowhere/none", "AIRUNS_DATA_DIR": folder}
        schema = create_app(load(given), None).litestar.openapi_schema
    return msgspec.to_builtins(schema.to_schema())


def operations(openapi: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Yield method, path and description of what programs ask; airuns.events has its own types."""
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/api/") and path != "/api/events":
                yield method.upper(), path, operation


def files(openapi: Schema) -> dict[Path, str]:
    """Return what is to be in each file."""
    components = {
        _short(name): schema
        for name, schema in openapi["components"]["schemas"].items()
        if not name.startswith("events_")
    }
    written: dict[Path, str] = {}
    for kind, write in (("results", _struct), ("bodies", _dict)):
        home: dict[str, str] = {}
        for group, tags in GROUPS.items():
            wanted: list[str] = []
            for _, _, operation in operations(openapi):
                if tags is None or operation["tags"][0] in tags:
                    wanted += [
                        name for schema in _schemas(operation, kind) for name in _named(schema)
                    ]
            own = _with_parts([name for name in wanted if name not in home], components, home)
            parts = [write(name, components[name]) for name in own]
            if kind == "bodies":
                parts += _queries(openapi, tags, written.values())
            used = {name for name in home if home[name] != group and f"{name}" in "".join(parts)}
            more = [f"from airuns.client.{kind}_{home[name]} import {name}\n" for name in used]
            about = f'"""What the API {"answers" if kind == "results" else "is asked"}: {group}.'
            head = f'{about} Written by `python -m tools.client_types`."""\n\n'
            text = head + IMPORTS + "".join(sorted(more)) + "".join(parts)
            written[FOLDER / f"{kind}_{group}.py"] = _formatted(text)
    return written


def _schemas(operation: Schema, kind: str) -> Iterator[Schema]:
    if kind == "bodies":
        answers = [operation.get("requestBody") or {}]
    else:
        answers = [answer for code, answer in operation["responses"].items() if code[0] == "2"]
    for answer in answers:
        yield from (content["schema"] for content in (answer.get("content") or {}).values())


def _named(schema: Any) -> list[str]:
    """Return the components that a schema names, pages as what is on them."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return [_short(name.removeprefix("Page_").rpartition(".")[2].rstrip("_"))]
        return [name for value in schema.values() for name in _named(value)]
    if isinstance(schema, list):
        return [name for value in schema for name in _named(value)]
    return []


def _short(name: str) -> str:
    """Return a component's name without that of its module, which it has when two are alike."""
    return name.rpartition("_")[2] if name.partition("_")[0].islower() else name


def _with_parts(names: list[str], components: Schema, home: dict[str, str]) -> list[str]:
    """Return components with those that they are made of, parts first; take note of their group."""
    group = next(group for group in GROUPS if group not in home.values())
    ordered: list[str] = []

    def add(name: str) -> None:
        if name in home or name not in components:
            return
        home[name] = group
        for part in _named(components[name]):
            add(part)
        ordered.append(name)

    for name in names:
        add(name)
    if group not in home.values():
        home[f"({group})"] = group
    return ordered


def _struct(name: str, schema: Schema) -> str:
    lines = [
        f"    {field}: {_type(what, field in schema.get('required', ()), asked=False)}\n"
        for field, what in schema.get("properties", {}).items()
    ]
    return f"class {name}(msgspec.Struct, frozen=True, kw_only=True):\n{''.join(lines)}\n"


def _dict(name: str, schema: Schema) -> str:
    lines = [
        f"    {field}: {_asked(what, field in schema.get('required', ()))}\n"
        for field, what in schema.get("properties", {}).items()
    ]
    return f"class {name}(TypedDict, total=False):\n{''.join(lines) or '    pass'}\n"


def _asked(schema: Schema, is_required: bool) -> str:
    kind = _type(schema, True, asked=True)
    return f"Required[{kind}]" if is_required else kind


def _queries(openapi: Schema, tags: tuple[str, ...] | None, before: Any) -> list[str]:
    """Write what the queries of a group's operations may have: the name of the handler + Query."""
    parts: list[str] = []
    for _, _, operation in operations(openapi):
        given = [each for each in operation.get("parameters", ()) if each["in"] == "query"]
        name = f"{query_name(operation)}(TypedDict"
        in_group = operation["tags"][0] in tags if tags else not any(name in t for t in before)
        if given and in_group:
            lines = [
                f"    {each['name']}: {_asked(each['schema'], bool(each.get('required')))}\n"
                for each in given
            ]
            parts.append(f"class {name}, total=False):\n{''.join(lines)}\n")
    return parts


def query_name(operation: Schema) -> str:
    """Return the name of what an operation's query may have: ListRunsQuery."""
    return f"{operation['summary'].replace(' ', '')}Query"


def _type(schema: Schema, is_required: bool, *, asked: bool) -> str:
    kind = _kind(schema, asked)
    return kind if is_required else f"{kind.removesuffix(' | None')} | None = None"


def _kind(schema: Schema, asked: bool) -> str:
    if "$ref" in schema:
        return _named(schema)[0]
    if "oneOf" in schema:
        kinds = sorted({_kind(each, asked) for each in schema["oneOf"]}, key=_last_none)
        return "Any" if "Any" in kinds else " | ".join(kinds)
    if "enum" in schema and asked:
        kinds = ", ".join(repr(each) for each in schema["enum"] if each is not None)
        return f"Literal[{kinds}]" + (" | None" if None in schema["enum"] else "")
    if isinstance(kind := schema.get("type"), list):
        return " | ".join(sorted((SIMPLE[each] for each in kind), key=_last_none))
    if kind == "array":
        return f"list[{_kind(schema.get('items', {}), asked)}]"
    if kind == "object":
        return f"dict[str, {_kind(schema.get('additionalProperties') or {}, asked)}]"
    name = FORMATS.get(schema.get("format", ""), SIMPLE.get(kind or "", "Any"))
    return f"{name} | str" if asked and name in FORMATS.values() else name


def _last_none(kind: str) -> tuple[bool, str]:
    return kind == "None", kind


def _formatted(text: str) -> str:
    for command in (
        ["check", "--select=F401,I", "--fix", "-q", "--stdin-filename=src/x.py", "-"],
        ["format", "-q", "--stdin-filename=src/x.py", "-"],
    ):
        ruff = [Path(sys.executable).with_name("ruff"), *command]
        text = subprocess.run(ruff, input=text, text=True, capture_output=True, check=True).stdout
    return text


if __name__ == "__main__":
    for path, text in files(document()).items():
        path.write_text(text)
