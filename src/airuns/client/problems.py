"""What the server says of a failure, as the exceptions of airuns.errors."""

from typing import Any, cast

import httpx
import msgspec

from airuns import errors
from airuns.errors import AirunsError, TooManyRequests, Unavailable


def _kinds(kind: type[AirunsError]) -> dict[str, type[AirunsError]]:
    known = {kind.code: kind}
    for below in kind.__subclasses__():
        known |= _kinds(below)
    return known


KINDS = _kinds(errors.AirunsError)


def error_of(answer: httpx.Response) -> AirunsError:
    """Return the exception of a problem document; AirunsError where its code is not known."""
    try:
        problem: Any = msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        problem = None
    if not isinstance(problem, dict):
        problem = {}
    said = cast("dict[str, Any]", problem)
    kind = KINDS.get(said.get("code", ""), _by_status(answer.status_code))
    detail = said.get("detail") or f"The server answered {answer.status_code}."
    if issubclass(kind, TooManyRequests):
        asked = answer.headers.get("retry-after", "")
        return kind(detail, retry_after=float(asked) if asked.isdigit() else 1)
    fields = [each["field"] for each in said.get("errors", [])]
    return kind(detail, field=fields[0] if fields else None)


def _by_status(status: int) -> type[AirunsError]:
    """Return what an answer means that is none of the server's own, such as one of a proxy."""
    if status in (502, 503, 504):
        return Unavailable
    return next((kind for kind in KINDS.values() if kind.status == status), AirunsError)


def unavailable(url: str, error: httpx.HTTPError) -> Unavailable:
    """Return the exception of a server that was not reached or broke off."""
    return Unavailable(f"{url} cannot be reached: {str(error) or type(error).__name__}.")


def unread(answer: httpx.Response, error: Exception) -> AirunsError:
    """Return the exception of an answer that is not what this version of the client knows."""
    return AirunsError(f"{answer.url} answered what this client cannot read: {error}.")
