"""An answer as it comes in, whatever the protocol: deltas go in, clean pieces come out."""

import json
from typing import Any, TypeVar

import msgspec

from airuns.server.models.call import (
    MAX_NAME,
    Finished,
    Piece,
    Progress,
    ProviderError,
    Reasoning,
    Text,
    ToolCall,
    Usage,
)
from airuns.server.models.texts import REPLACEMENT, clean
from airuns.server.models.usage import possible

T = TypeVar("T")


def decode(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    r"""Decode one JSON document of a provider.

    msgspec refuses lone surrogates (`"\ud800"`), which providers send when they cut a text between
    the halves of a pair; Python's reader takes them. Raises ProviderError for anything else.
    """
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            return msgspec.convert(json.loads(data.decode(errors="replace")), decoder.type)
        except (ValueError, RecursionError):
            shown = clean(data[:200].decode(errors="replace"))
            raise ProviderError(
                f"The provider sent what its protocol does not know: {shown}", kind="protocol"
            ) from None


class _Half:
    """Joins surrogate pairs that were split over two deltas."""

    def __init__(self) -> None:
        self._high = ""

    def feed(self, delta: str) -> str:
        delta = self._high + delta
        self._high = ""
        if delta and "\ud800" <= delta[-1] <= "\udbff":
            self._high = delta[-1]
            delta = delta[:-1]
        return clean(delta)

    def end(self) -> str:
        return REPLACEMENT if self._high else ""


class _Tool(msgspec.Struct):
    index: int | None
    id: str
    name: str
    arguments: list[str]


class Answer:
    """What has come so far.

    `progress` counts the deltas of the answer itself; `ended` says that its end mark has come.
    """

    def __init__(self) -> None:
        self.ended = False
        self.progress = 0
        self.reason: str | None = None
        self.usage: Usage | None = None
        self.info: dict[str, str] = {}
        self._text = _Half()
        self._reasoning = _Half()
        self._tools: list[_Tool] = []

    def text(self, delta: str) -> list[Piece]:
        """Take a delta of the text."""
        self.progress += 1
        text = self._text.feed(delta)
        return [Text(text)] if text else []

    def reasoning(self, delta: str) -> list[Piece]:
        """Take a delta of the reasoning."""
        self.progress += 1
        text = self._reasoning.feed(delta)
        return [Reasoning(text)] if text else []

    def tool(
        self, index: int | None, id_: str | None, name: str | None, arguments: str | None
    ) -> list[Piece]:
        """Take a delta of a tool call: a new id starts a call, else the index's last goes on.

        The call itself comes whole, at the end.
        """
        self.progress += 1
        tool = next(
            (
                one
                for one in reversed(self._tools)
                if one.index == index and (not id_ or one.id == id_)
            ),
            None,
        )
        if tool is None:
            tool = _Tool(index, id_ or f"call_{len(self._tools)}", "", [])
            self._tools.append(tool)
        tool.name += name or ""
        tool.arguments.append(arguments or "")
        return [Progress()]

    def note(self, **info: Any) -> None:
        """Keep what the provider said of the response, where it is a text."""
        for name, value in info.items():
            if isinstance(value, str) and name not in self.info:
                self.info[name] = clean(value, MAX_NAME)

    @property
    def complete(self) -> bool:
        """True when nothing of the answer itself can be missing."""
        return self.ended or self.reason is not None

    def finish(self) -> list[Piece]:
        """Return the last pieces, `Finished` at the end."""
        pieces: list[Piece] = []
        if rest := self._reasoning.end():
            pieces.append(Reasoning(rest))
        if rest := self._text.end():
            pieces.append(Text(rest))
        pieces += [
            ToolCall(
                id=clean(tool.id), name=clean(tool.name), arguments=clean("".join(tool.arguments))
            )
            for tool in self._tools
        ]
        reason = None if self.reason is None else clean(self.reason, MAX_NAME)
        usage = None if self.usage is None else possible(self.usage)
        return [*pieces, Finished(reason=reason, usage=usage, info=self.info)]
