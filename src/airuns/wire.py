"""Payload types that callers send, shared by the API's handlers."""

from typing import Annotated, Any, Literal

import msgspec

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"\S")]
Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
Tags = Annotated[list[Tag], msgspec.Meta(max_length=50)]
SourceType = Literal["prompt", "chat", "applet", "cockpit", "workflow", "action", "custom"]
Role = Literal["system", "developer", "user", "assistant", "tool"]


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message in the OpenAI chat shape.

    `content` is a text, a list of parts ({type: text | image_url | attachment, …}), or null beside
    tool_calls.
    """

    role: Role
    content: str | list[dict[str, Any]] | None
    name: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: Annotated[str, msgspec.Meta(max_length=200)] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the message with just the keys that it has."""
        optional = {
            "name": self.name,
            "tool_calls": self.tool_calls,
            "tool_call_id": self.tool_call_id,
        }
        given = {name: value for name, value in optional.items() if value is not None}
        return {"role": self.role, "content": self.content, **given}
