"""What the protocols below /v1/ are: which calls are recorded, and how errors look to a client."""

from typing import Literal

import msgspec

from airuns.errors import AirunsError, BudgetSpent, TooManyRequests, Unauthenticated
from airuns.events import Protocol

Dialect = Literal["openai", "anthropic"]
Head = list[tuple[bytes, bytes]]

RECORDED: dict[str, Protocol] = {
    "/v1/chat/completions": "openai.chat",
    "/v1/responses": "openai.responses",
    "/v1/embeddings": "openai.embeddings",
    "/v1/messages": "anthropic.messages",
}
END_MARKS: dict[Protocol, bytes] = {
    "openai.chat": b"data: [DONE]",
    "openai.responses": b'"type":"response.completed"',
    "openai.embeddings": b"}",
    "anthropic.messages": b'"message_stop"',
}
_TYPES: dict[Dialect, dict[int, str]] = {
    "openai": {429: "rate_limit_error"},
    "anthropic": {
        401: "authentication_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        429: "rate_limit_error",
        504: "timeout_error",
    },
}
_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}


class Refusal(msgspec.Struct, frozen=True):
    """An answer of our own in place of a provider's."""

    status: int
    head: Head
    body: bytes


def dialect_of(path: str, *, says_anthropic: bool) -> Dialect:
    """Return whose errors a client understands: Anthropic's clients say their version."""
    is_messages = path == "/v1/messages" or path.startswith("/v1/messages/")
    return "anthropic" if is_messages or says_anthropic else "openai"


def refusal(dialect: Dialect, error: AirunsError) -> Refusal:
    """Return an error of ours in the shape of the protocol that was called."""
    status = 400 if error.status == 422 else error.status
    head: Head = []
    if isinstance(error, TooManyRequests):
        head.append((b"retry-after", f"{max(1, round(error.retry_after))}".encode()))
    if isinstance(error, BudgetSpent):
        head.append((b"x-should-retry", b"false"))
    if isinstance(error, Unauthenticated):
        head.append((b"www-authenticate", b'Bearer realm="AI Runs"'))
    code = error.code if error.field or isinstance(error, BudgetSpent) else None
    return failure(dialect, status, error.detail, code=code, param=error.field, head=head)


def failure(
    dialect: Dialect,
    status: int,
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    head: Head | None = None,
) -> Refusal:
    """Return an error in the shape of a protocol."""
    usual = "api_error" if status >= 500 else "invalid_request_error"
    kind = _TYPES[dialect].get(status, usual)
    if dialect == "anthropic":
        document = {"type": "error", "error": {"type": kind, "message": message}}
    else:
        code = code or _CODES.get(status)
        fields = {"message": message, "type": kind, "param": param, "code": code}
        document = {"error": fields}
    body = msgspec.json.encode(document)
    return Refusal(status, [(b"content-type", b"application/json"), *(head or [])], body)
