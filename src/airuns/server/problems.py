"""Errors as problem documents (RFC 9457): the one place where an error becomes an answer.

Every document has type, title, status, detail, code, and `errors`: a list of {field, message} where
fields of the request are at fault. Nothing of the inside leaks: what was not raised on purpose is
logged under an id, and the answer carries that id only.
"""

import logging
from typing import Any
from uuid import uuid4

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from airuns.errors import (
    AirunsError,
    InvalidInput,
    Malformed,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
)

log = logging.getLogger(__name__)

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


def on_airuns_error(_: AnyRequest, error: AirunsError) -> Response[Problem]:
    """Answer an error that was raised on purpose."""
    if error.status >= 500:
        log.error("%s: %s", error.code, error.detail, exc_info=error)
    headers: dict[str, str] = {}
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = f"{error.retry_after:.0f}"
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="AI Runs"'
    return answer(
        Problem(
            title=error.title,
            status=error.status,
            detail=error.detail,
            code=error.code,
            errors=[FieldError(error.field, error.detail)] if error.field else [],
        ),
        headers,
    )


def on_validation_error(request: AnyRequest, error: ValidationException) -> Response[Problem]:
    """Answer a request whose fields do not fit, naming each."""
    found = [_field_error(item) for item in error.extra or [] if isinstance(item, dict)]
    detail = " ".join(f"{item.field}: {item.message}." for item in found) or error.detail
    kind = InvalidInput(detail)
    return answer(
        Problem(title=kind.title, status=kind.status, detail=detail, code=kind.code, errors=found)
    )


def _field_error(item: dict[str, Any]) -> FieldError:
    message = str(item.get("message", "cannot be used")).strip().rstrip(".")
    field = str(item.get("key") or "body")
    path = message.partition(" - at `$.")[2].rstrip("`")
    if path:
        field, message = path, message.partition(" - at `")[0]
    return FieldError(field, message)


def on_http_error(request: AnyRequest, error: HTTPException) -> Response[Problem]:
    """Answer what the framework refused: no such route, a wrong method, a body that is no JSON."""
    known: dict[int, AirunsError] = {
        400: Malformed(f"The body could not be read: {error.detail}"),
        404: NotFound(f"There is nothing at {request.url.path}; /docs lists what there is."),
        413: TooLarge("The body is larger than AIRUNS_MAX_BODY allows."),
    }
    if error.status_code in known:
        return on_airuns_error(request, known[error.status_code])
    return answer(
        Problem(
            title="The request was refused",
            status=error.status_code,
            detail=error.detail,
            code=f"http_{error.status_code}",
        ),
        error.headers,
    )


def on_unexpected_error(request: AnyRequest, error: Exception) -> Response[Problem]:
    """Answer a defect of ours: the log has the details, the caller gets an id to quote."""
    reference = uuid4().hex[:12]
    path = request.scope.get("path_template", "?")  # a path itself may hold a sign-in token
    log.error("%s %s failed, reference %s", request.method, path, reference, exc_info=error)
    return answer(
        Problem(
            title="Something went wrong in AI Runs",
            status=500,
            detail=f"This is a fault of the server. Quote {reference} to whoever runs it.",
            code="internal_error",
        )
    )


HANDLERS: dict[Any, Any] = {
    AirunsError: on_airuns_error,
    ValidationException: on_validation_error,
    HTTPException: on_http_error,
    Exception: on_unexpected_error,
}
