"""What all pages share: templates, static files, and headers that let a browser load only ours."""

from functools import cache
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path
from typing import Any

import jinja2
from litestar import Request, get
from litestar.contrib.jinja import JinjaTemplateEngine
from litestar.datastructures import MutableScopeHeaders
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.response import File
from litestar.template import TemplateConfig
from litestar.types import Message, Scope

from airuns.errors import NotFound

SERVER = Path(__file__).parent.parent
STATIC = Path(__file__).parent / "static"
METHODS = ("get", "post", "put", "patch", "delete")
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


def templates() -> jinja2.Environment:
    """Return the templates of all features, named by their path, as `accounts/pages/home.html`."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(SERVER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = static_url
    return environment


def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    """Return the templates as Litestar wants them."""
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(templates()))


@cache
def static_url(name: str) -> str:
    """Return the address of a static file: it changes with the content and is cached for ever."""
    return f"/static/{name}?v={sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


@get("/static/{path:path}", opt={"public": True}, include_in_schema=False, sync_to_thread=False)
def static_file(path: Path) -> File:
    """Answer with a static file."""
    file = (STATIC / str(path).lstrip("/")).resolve()
    if not file.is_relative_to(STATIC) or not file.is_file():
        raise NotFound(f"There is no file {path}.")
    return File(
        file,
        media_type=guess_type(file.name)[0],
        content_disposition_type="inline",
        headers={"cache-control": "public, max-age=31536000, immutable"},
    )


async def secure(message: Message, _: Scope) -> None:
    """Add the security headers to an answer that does not have its own."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        for name, value in HEADERS.items():
            if name not in headers:
                headers[name] = value


class Docs(OpenAPIRenderPlugin):
    """The list of the API's operations: nothing of it is loaded from elsewhere."""

    def __init__(self) -> None:
        super().__init__(path="/")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the page."""
        page = templates().get_template("ui/docs.html")
        return page.render(schema=openapi_schema, groups=_groups(openapi_schema)).encode()


def _groups(schema: dict[str, Any]) -> list[tuple[str, list[dict[str, str]]]]:
    groups: dict[str, list[dict[str, str]]] = {}
    for path, item in sorted(schema["paths"].items()):
        for method in METHODS:
            if operation := item.get(method):
                summary = operation.get("description") or operation["summary"]
                row = {"method": method.upper(), "path": path, "summary": summary.split("\n")[0]}
                groups.setdefault((operation.get("tags") or ["other"])[0], []).append(row)
    return sorted(groups.items())
