"""What providers say when a call fails, read into ProviderError.

Sources: the "Error codes" page of the OpenAI API and "Errors" of the Anthropic API; RFC 9110,
section 10.2.3, for Retry-After.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

import msgspec

from airuns.server.models.call import MAX_MESSAGE, Endpoint, ProviderError
from airuns.server.models.texts import clean

TRANSIENT_STATUSES = frozenset({408, 409, 425, 429})
TRANSIENT_CODES = frozenset(
    {
        "api_error",
        "overloaded_error",
        "rate_limit_error",
        "rate_limit_exceeded",
        "server_error",
        "timeout",
        "timeout_error",
    }
)
# OpenAI's 429 for an account without money; waiting does not fill it.
FINAL_CODES = frozenset({"insufficient_quota"})


def in_stream(error: Any) -> ProviderError:
    """Return the error that a stream tells in place of an answer; its code may be a status."""
    message, codes = _read(error)
    status = next((code for code in codes if isinstance(code, int)), None)
    return ProviderError(
        message or "The provider reported an error without a message.",
        status=status,
        code=_code(codes),
        transient=_is_transient(status, codes),
    )


def of_response(
    status: int, headers: Mapping[str, str], body: bytes, endpoint: Endpoint, now: datetime
) -> ProviderError:
    """Return the error of an HTTP response whose status is none of success."""
    message, codes = _read(_decoded(body))
    return ProviderError(
        scrubbed(message or f"The provider answered with status {status}.", endpoint),
        status=status,
        code=_code(codes),
        request_id=request_id(headers),
        transient=_is_transient(status, codes),
        retry_after=retry_after(headers.get("Retry-After"), now),
    )


def shown(error: ProviderError, endpoint: Endpoint, request_id: str | None) -> ProviderError:
    """Return an error that came up within an answer, fit to be shown and with its request's id."""
    return ProviderError(
        scrubbed(error.message, endpoint),
        kind=error.kind,
        status=error.status,
        code=error.code,
        request_id=request_id,
        transient=error.transient,
        retry_after=error.retry_after,
    )


def is_transient(status: int) -> bool:
    """Tell whether a call that failed with this HTTP status may succeed on a further try."""
    return status in TRANSIENT_STATUSES or status >= 500


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the id under which the provider knows the request, if it says one."""
    return headers.get("x-request-id") or headers.get("request-id")


def retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds of a Retry-After header, which are a number or an HTTP date."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds())


def scrubbed(text: str, endpoint: Endpoint) -> str:
    """Return a text that can be shown: without the endpoint's key, which some providers repeat."""
    if endpoint.key:
        text = text.replace(endpoint.key, "(key)")
    return clean(text, MAX_MESSAGE)


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body.decode(errors="replace").strip()


def _read(document: Any, depth: int = 5) -> tuple[str, list[Any]]:
    """Find the message and the codes: bare, or nested in `error`, `detail`, `message` or a list."""
    if isinstance(document, list) and document and depth:
        return _read(cast("list[Any]", document)[0], depth - 1)
    if not isinstance(document, dict):
        return _text(document), []
    fields = cast("dict[str, Any]", document)
    codes = [code for code in (fields.get("code"), fields.get("type")) if code is not None]
    told = [fields.get(name) for name in ("error", "detail", "message", "msg")]
    for inner in told:
        if isinstance(inner, (dict, list)) and depth:
            message, inner_codes = _read(cast("Any", inner), depth - 1)
            return message, inner_codes or codes
    return _text(next((one for one in reversed(told) if one), None)), codes


def _text(message: Any) -> str:
    if message is None or isinstance(message, str):
        return message or ""
    return msgspec.json.encode(message).decode()


def _code(codes: list[Any]) -> str | None:
    return str(codes[0]) if codes else None


def _is_transient(status: int | None, codes: list[Any]) -> bool:
    named = {code for code in codes if isinstance(code, str)}
    if not FINAL_CODES.isdisjoint(named):
        return False
    if status is not None:
        return is_transient(status)
    return not TRANSIENT_CODES.isdisjoint(named)
