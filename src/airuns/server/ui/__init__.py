"""What pages share: templates, how a page is answered, headers that let it load only ours."""

from functools import cache
from typing import Any, cast

import jinja2
from litestar import Request
from litestar.config.compression import CompressionConfig
from litestar.datastructures import Cookie, MutableScopeHeaders
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.template import TemplateConfig
from litestar.types import Message, Scope
from markupsafe import Markup

from airuns.server.ui import formats, markdown, static

THEME_COOKIE = "airuns_theme"
ZONE_COOKIE = "airuns_zone"
THEMES = ("light", "dark")
METHODS = ("get", "post", "put", "patch", "delete")
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}

# Pages only: what streams must not wait for a compressor.
COMPRESSION = CompressionConfig(
    backend="gzip", gzip_compress_level=5, minimum_size=1000, exclude=r"^/(?!ai(/|$)|settings)."
)

STATIC_HEADERS = {"x-content-type-options": "nosniff"}

AnyRequest = Request[Any, Any, Any]


@cache
def templates() -> jinja2.Environment:
    """Return the templates of all features, named by their path, as `accounts/pages/home.html`.

    They are read once, as the code that goes with them is.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(static.SERVER),
        autoescape=True,
        auto_reload=False,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    cast("dict[str, Any]", environment.globals).update(
        {"static": static.url, "modules": static.modules, "icon": icon}
    )
    environment.filters.update({**formats.FILTERS, "markdown": markdown.render})
    return environment


@cache
def icon(name: str, more: str = "") -> Markup:
    """Return an icon of icons.svg; `more` are further classes. What it means stands beside it."""
    return Markup('<svg class="icon {}" aria-hidden="true"><use href="{}#{}"/></svg>').format(
        more, static.url("ui/icons.svg"), name
    )


def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    """Return the templates as Litestar wants them."""
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(templates()))


def page(
    request: AnyRequest,
    name: str,
    *,
    status_code: int = 200,
    headers: dict[str, str] | None = None,
    cookies: list[Cookie] | None = None,
    **context: Any,
) -> Template:
    """Answer with a page or a part of one: `context` and what every template may use.

    That is `me` (None when nobody is signed in), `form_token`, `news` (the mark of what the page
    has, see news.py), `theme` (light, dark or None: as the system), `is_mac` for the names of keys,
    and `zone`, the reader's time zone as js/theme.js has told it in a cookie.
    """
    theme = request.cookies.get(THEME_COOKIE)
    shared = {
        "me": cast("dict[str, Any]", request.scope).get("user"),
        "form_token": request.state.get("form_token", ""),
        "news": request.state.get("news", ""),
        "theme": theme if theme in THEMES else None,
        "is_mac": "Mac" in request.headers.get("user-agent", ""),
        "zone": formats.zone(request.cookies.get(ZONE_COOKIE, "UTC")),
    }
    return Template(
        name,
        context=shared | context,
        status_code=status_code,
        headers=headers or {},
        cookies=cookies or [],
    )


def wants_page(request: AnyRequest) -> bool:
    """Say whether a browser asks for a page, and not a program or a script of a page."""
    return (
        request.method == "GET"
        and "text/html" in request.headers.get("accept", "")
        and "hx-request" not in request.headers
        and not request.url.path.startswith(("/api/", "/v1/"))
    )


def wants_part(request: AnyRequest) -> bool:
    """Say whether htmx asks for a part of the page, and not a browser for the whole."""
    return "hx-request" in request.headers and "hx-history-restore-request" not in request.headers


async def secure(message: Message, scope: Scope) -> None:
    """Add the security headers to an answer that does not have its own."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        of_static = scope["path"].startswith("/static/") and "cache-control" in headers
        for name, value in (STATIC_HEADERS if of_static else HEADERS).items():
            if name not in headers:
                headers[name] = value


class Docs(OpenAPIRenderPlugin):
    """The list of the API's operations: nothing of it is loaded from elsewhere."""

    def __init__(self) -> None:
        super().__init__(path="/")

    def render(self, request: AnyRequest, openapi_schema: dict[str, Any]) -> bytes:
        """Return the page."""
        page = templates().get_template("ui/docs.html")
        theme = request.cookies.get(THEME_COOKIE)
        return page.render(
            schema=openapi_schema,
            groups=_groups(openapi_schema),
            theme=theme if theme in THEMES else None,
            form_token="",
            is_mac=False,
        ).encode()


def _groups(schema: dict[str, Any]) -> list[tuple[str, list[dict[str, str]]]]:
    groups: dict[str, list[dict[str, str]]] = {}
    for path, item in sorted(schema["paths"].items()):
        for method in METHODS:
            if operation := item.get(method):
                summary = operation.get("description") or operation["summary"]
                row = {"method": method.upper(), "path": path, "summary": summary.split("\n")[0]}
                groups.setdefault((operation.get("tags") or ["other"])[0], []).append(row)
    return sorted(groups.items())
