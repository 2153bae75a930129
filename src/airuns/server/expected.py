"""What a route takes: the names of its query parameters, and the values that a field may have."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.routes import HTTPRoute
from msgspec import ValidationError, inspect

from airuns.errors import InvalidInput

Place = tuple[str, str]
"""A route's path and method."""


def refuse_unknown(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Refuse query parameters that a route of the API does not have.

    Raises InvalidInput naming the first of them, so that no mistyped filter is taken for none.
    """
    given = connection.query_params
    if not given or not connection.url.path.startswith("/api/"):
        return
    known = _parameters(connection.app).get(_place(connection), set())
    for name in given:
        if name not in known:
            there = f"there are {', '.join(sorted(known))}" if known else "there are none"
            raise InvalidInput(f"{name[:60]} is no parameter here; {there}.", field=name[:60])


def allowed(request: Request[Any, Any, Any], field: str) -> list[str]:
    """Return the values that a field of a request may have, where they are few and known."""
    if field in _parameters(request.app).get(_place(request), set()):
        return _values_of_parameter(request, field)
    body = request.route_handler.parsed_data_field
    return values_at(body.annotation, field) if body else []


def invalid(error: ValidationError, kind: Any, at: str = "") -> InvalidInput:
    """Return what msgspec found wrong with a value that should be a `kind` and is at a path."""
    message, _, path = str(error).partition(" - at `$")
    field = f"{at}{path.rstrip('`')}".strip(".") or "body"
    values = values_at(kind, path.rstrip("`"))
    if message.startswith("Invalid enum value") and values:
        message = one_of(values)
    return InvalidInput(f"{field}: {message}.", field=field)


def one_of(values: list[str]) -> str:
    """Say which values there are."""
    return f"must be one of {', '.join(values)}"


def values_at(kind: Any, field: str) -> list[str]:
    """Return the literal values that a type has at a path such as `messages[2].role`."""
    found = _at(inspect.type_info(kind), re.findall(r"[^.\[\]]+", field))
    literals = [each for each in found if isinstance(each, inspect.LiteralType)]
    return [str(value) for literal in literals for value in literal.values]


def _at(kind: inspect.Type, steps: list[str]) -> Iterator[inspect.Type]:
    match kind:
        case inspect.Metadata():
            yield from _at(kind.type, steps)
        case inspect.UnionType():
            for each in kind.types:
                yield from _at(each, steps)
        case _ if not steps:
            yield kind
        case inspect.StructType():
            for each in kind.fields:
                if each.encode_name == steps[0]:
                    yield from _at(each.type, steps[1:])
        case inspect.ListType():
            yield from _at(kind.item_type, steps[1:])
        case _:
            return


def _values_of_parameter(request: Request[Any, Any, Any], name: str) -> list[str]:
    path, method = _place(request)
    operation: Any = getattr((request.app.openapi_schema.paths or {})[path], method.lower())
    [schema] = [each.schema for each in operation.parameters if each.name == name]
    values: list[Any] = schema.enum or []
    return [str(value) for value in values if value is not None]


def _place(connection: ASGIConnection[Any, Any, Any, Any]) -> Place:
    scope = cast("dict[str, Any]", connection.scope)
    return scope["path_template"], scope["method"]


@cache
def _parameters(app: Litestar) -> dict[Place, set[str]]:
    return {
        (route.path_format, method): {each.field_alias for each in model.expected_query_params}
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (_, model) in route.route_handler_map.items()
    }
