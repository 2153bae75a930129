"""The files that browsers load: read once, compressed once, cached for ever under one hash.

Their addresses mirror the source tree, /static/<hash>/<path below server/>, so that modules import
each other by relative paths. The styles are one sheet, put together in the order of STYLES.
"""

import gzip
import re
from functools import cache
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any

import msgspec
from litestar import Request, Response, get
from markupsafe import Markup

from airuns.errors import NotFound

SERVER = Path(__file__).parent.parent
SUFFIXES = (".css", ".js", ".svg", ".png", ".webmanifest")
SHEET = "ui/app.css"
STYLES = (
    "tokens",
    "base",
    "shell",
    "lists",
    "controls",
    "badges",
    "overlays",
    "tables",
    "thread",
    "prose",
    "composer",
    "history",
    "compare",
    "charts",
    "palette",
    "prompts",
    "models",
    "pages",
    "data",
    "states",
    "screens",
    "touch",
)
IMPORTED = re.compile(rb'^(?:import|export) (?:.*? from )?"(\.[^"]+)"', re.MULTILINE)
FOR_EVER = "public, max-age=31536000, immutable"


class Asset(msgspec.Struct, frozen=True):
    """A file as browsers get it: its type, its bytes, and the same bytes compressed by gzip."""

    media_type: str
    content: bytes
    compressed: bytes


def _read() -> dict[str, bytes]:
    files = {
        path.relative_to(SERVER).as_posix(): path.read_bytes()
        for path in sorted(SERVER.rglob("*"))
        if path.suffix in SUFFIXES and path.is_file()
    }
    sheet = b"".join(files[f"ui/styles/{name}.css"] for name in STYLES)
    return {**files, SHEET: sheet}


@cache
def assets() -> dict[str, Asset]:
    """Return every file by its path below server/, as `ui/js/app.js`."""
    return {
        path: Asset(
            guess_type(path)[0] or "application/octet-stream", content, gzip.compress(content, 9)
        )
        for path, content in _read().items()
    }


@cache
def version() -> str:
    """Return the hash of all files, which changes with any of them."""
    digest = sha256()
    for path, asset in assets().items():
        digest.update(path.encode() + b"\0" + asset.content + b"\0")
    return digest.hexdigest()[:12]


def url(path: str) -> str:
    """Return the address of a file. Raises KeyError when there is none: a page names it wrongly."""
    assert assets()[path]
    return f"/static/{version()}/{path}"


@cache
def imported(path: str) -> frozenset[str]:
    """Return the modules that a module imports, and those that they import."""
    found = {path}
    waiting = [path]
    while waiting:
        module = waiting.pop()
        for name in IMPORTED.findall(assets()[module].content):
            target = normpath(join(dirname(module), name.decode()))
            if target not in found:
                found.add(target)
                waiting.append(target)
    return frozenset(found - {path})


@cache
def modules(*paths: str) -> Markup:
    """Return the tags that load modules and, at the same time, all that they import.

    Left to itself a browser learns of imports module by module, a round trip for each level.
    """
    needed = {each for path in paths for each in imported(path)} - {*paths}
    preload = Markup('<link rel="modulepreload" href="{}">\n')
    script = Markup('<script src="{}" type="module"></script>\n')
    tags = [preload.format(url(path)) for path in sorted(needed)]
    return Markup().join([*tags, *(script.format(url(path)) for path in paths)])


@get(
    "/static/{hashed:str}/{path:path}",
    opt={"public": True},
    include_in_schema=False,
    sync_to_thread=False,
)
def static_file(request: Request[Any, Any, Any], path: str) -> Response[bytes]:
    """Answer with a file, whatever hash its page knew."""
    asset = assets().get(str(path).lstrip("/"))
    if asset is None:
        raise NotFound(f"There is no file {path}.")
    headers = {"cache-control": FOR_EVER, "vary": "accept-encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(asset.content, media_type=asset.media_type, headers=headers)
    headers["content-encoding"] = "gzip"
    return Response(asset.compressed, media_type=asset.media_type, headers=headers)
