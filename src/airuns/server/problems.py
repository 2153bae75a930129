"""Errors as problem documents (RFC 9457): the one place where an error becomes an answer.

Every document has type, title, status, detail, code, and `errors`: a list of {field, message} where
fields of the request are at fault. Nothing of the inside leaks: what was not raised on purpose is
logged under an id, and the answer carries that id only.
"""

import logging
import re
from typing import Any, cast
from uuid import uuid4

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.response import Template

from airuns.errors import (
    AirunsError,
    InvalidInput,
    Malformed,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
)
from airuns.server import expected, ui
from airuns.server.ids import new_id

log = logging.getLogger(__name__)
_member = re.compile(r"Object (missing required|contains unknown) field `(.+)`")

AnyRequest = Request[Any, Any, Any]


class FieldError(msgspec.Struct):
    """One field at fault, as a path (`messages[2].role`), and what is wrong with it."""

    field: str
    message: str


class Problem(msgspec.Struct, kw_only=True):
    """A problem document (RFC 9457, section 3)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldError] = []


def answer(problem: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    """Return the problem as application/problem+json."""
    return Response(
        problem,
        status_code=problem.status,
        media_type="application/problem+json",
        headers=headers,
    )


def of(error: Exception, where: str) -> Problem:
    """Return the problem that an error is to whoever asked; `where` is for the log.

    A defect of ours is logged with its details under an id, which is all that the caller gets.
    """
    if not isinstance(error, AirunsError):
        reference = uuid4().hex[:12]
        log.error("%s failed, reference %s", where, reference, exc_info=error)
        return Problem(
            title="Something went wrong in AI Runs",
            status=500,
            detail=f"This is a fault of the server. Quote {reference} to whoever runs it.",
            code="internal_error",
        )
    if error.status >= 500:
        log.warning("%s: %s: %s", where, error.code, error.detail)
    return Problem(
        title=error.title,
        status=error.status,
        detail=error.detail,
        code=error.code,
        errors=[FieldError(error.field, error.detail)] if error.field else [],
    )


def on_error(request: AnyRequest, error: Exception) -> Response[Problem] | Template:
    """Answer an error that was raised on purpose, or a defect of ours."""
    # A path itself may hold a sign-in token.
    path = cast("dict[str, Any]", request.scope).get("path_template", "?")
    headers: dict[str, str] = {}
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = f"{error.retry_after:.0f}"
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="AI Runs"'
    problem = of(error, f"{request.method} {path}")
    if ui.wants_page(request):
        return ui.page(request, "ui/error.html", status_code=problem.status, problem=problem)
    return answer(problem, headers)


def on_validation_error(request: AnyRequest, error: ValidationException) -> Response[Problem]:
    """Answer a request whose fields do not fit, naming each."""
    found = [
        _field_error(request, item) for item in cast("list[dict[str, Any]]", error.extra or [])
    ]
    detail = " ".join(f"{item.field}: {item.message}." for item in found) or error.detail
    kind = InvalidInput(detail)
    return answer(
        Problem(title=kind.title, status=kind.status, detail=detail, code=kind.code, errors=found)
    )


def _field_error(request: AnyRequest, item: dict[str, Any]) -> FieldError:
    message = str(item.get("message", "cannot be used")).strip().rstrip(".")
    field = str(item.get("key") or "body")
    if field == "data":  # the framework's name of the body
        field = "body"
    if message == "'data'":
        return FieldError(field, "is missing")
    if message == "Invalid UUID":
        return FieldError(field, f"must be a UUID such as {new_id()}")
    if message.startswith("Invalid enum value") and (values := expected.allowed(request, field)):
        return FieldError(field, expected.one_of(values))
    if member := _member.fullmatch(message):
        field = member[2] if field == "body" else f"{field}.{member[2]}"
        return FieldError(
            field, "is missing" if member[1] == "missing required" else "is not known"
        )
    return FieldError(field, message)


def on_broken_text(request: AnyRequest, error: UnicodeDecodeError) -> Response[Problem] | Template:
    """Answer a body whose texts are no UTF-8."""
    return on_error(request, Malformed(f"The body is not UTF-8: {error.reason}."))


def on_deep_nesting(request: AnyRequest, _: RecursionError) -> Response[Problem] | Template:
    """Answer a body that holds lists or objects in each other without end."""
    return on_error(request, Malformed("The body's lists and objects are nested too deep."))


def on_http_error(request: AnyRequest, error: HTTPException) -> Response[Problem] | Template:
    """Answer what the framework refused: no such route, a wrong method, a body that is no JSON."""
    if error.status_code >= 500:
        return on_error(request, error)
    known: dict[int, AirunsError] = {
        400: Malformed(f"The body could not be read: {error.detail}"),
        404: NotFound(f"There is nothing at {request.url.path}; /docs lists what there is."),
        413: TooLarge("The body is larger than AIRUNS_MAX_BODY allows."),
    }
    if error.status_code in known:
        return on_error(request, known[error.status_code])
    return answer(
        Problem(
            title="The request was refused",
            status=error.status_code,
            detail=error.detail,
            code=f"http_{error.status_code}",
        ),
        error.headers,
    )


HANDLERS: dict[Any, Any] = {
    AirunsError: on_error,
    ValidationException: on_validation_error,
    HTTPException: on_http_error,
    UnicodeDecodeError: on_broken_text,
    RecursionError: on_deep_nesting,
    Exception: on_error,
}
