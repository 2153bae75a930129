"""How a scripted answer looks on the wire: OpenAI chat completions and Anthropic messages.

Sources: the API references of OpenAI (chat completions) and Anthropic (messages), with streaming.
"""

import json
from typing import Any

from tests.provider.script import Failure, Script, Tool

REASONS = {"stop": "end_turn", "length": "max_tokens"}


class OpenAI:
    """Chunks and whole answers of chat completions."""

    media_type = "text/event-stream"
    garbage = b'data: {"choices": [{"delta": oops\n\n'

    def __init__(self, model: str, asked: dict[str, Any]) -> None:
        self.model = model
        self.wants_usage = bool((asked.get("stream_options") or {}).get("include_usage"))

    def opening(self, script: Script) -> bytes:
        return self._delta({"role": "assistant", "content": ""})

    def reasoning(self, text: str) -> bytes:
        return self._delta({"reasoning_content": text})

    def text(self, text: str) -> bytes:
        return self._delta({"content": text})

    def tool(self, index: int, tool: Tool) -> bytes:
        head = {"name": tool.name, "arguments": ""}
        pieces = [{"index": index, "id": tool.id, "type": "function", "function": head}]
        pieces += [{"index": index, "function": {"arguments": part}} for part in tool.arguments]
        return b"".join(self._delta({"tool_calls": [piece]}) for piece in pieces)

    def closing(self, script: Script) -> bytes:
        finish = "tool_calls" if script.tools else script.finish
        end = self._delta({}, finish)
        if script.usage is not None and self.wants_usage:
            end += _data(
                self._head("chat.completion.chunk") | {"choices": [], "usage": self._usage(script)}
            )
        return end + b"data: [DONE]\n\n"

    def error(self, message: str) -> bytes:
        return _data({"error": {"message": message, "type": "server_error", "code": "scripted"}})

    def failure(self, failure: Failure) -> dict[str, Any]:
        return {
            "error": {"message": failure.message, "type": "scripted_error", "code": failure.code}
        }

    def whole(self, script: Script) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(script.answer())}
        if script.reasoning:
            message["reasoning_content"] = "".join(script.reasoning)
        if script.tools:
            message["tool_calls"] = [
                {
                    "id": tool.id,
                    "type": "function",
                    "function": {"name": tool.name, "arguments": "".join(tool.arguments)},
                }
                for tool in script.tools
            ]
        finish = "tool_calls" if script.tools else script.finish
        choice = {"index": 0, "message": message, "finish_reason": finish}
        usage = {} if script.usage is None else {"usage": self._usage(script)}
        return self._head("chat.completion") | {"choices": [choice]} | usage

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": "chatcmpl-scripted",
            "object": kind,
            "created": 1700000000,
            "model": self.model,
            "system_fingerprint": "fp_scripted",
        }

    def _delta(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _data(self._head("chat.completion.chunk") | {"choices": [choice]})

    def _usage(self, script: Script) -> dict[str, Any]:
        tokens = script.usage
        assert tokens is not None
        output = script.tokens_output()
        usage: dict[str, Any] = {
            "prompt_tokens": tokens.input,
            "completion_tokens": output,
            "total_tokens": tokens.input + output,
        }
        if tokens.cache_read is not None:
            usage["prompt_tokens_details"] = {"cached_tokens": tokens.cache_read}
        if tokens.reasoning is not None:
            usage["completion_tokens_details"] = {"reasoning_tokens": tokens.reasoning}
        return usage


class Anthropic:
    """Events and whole answers of messages."""

    media_type = "text/event-stream"
    garbage = b"event: content_block_delta\ndata: {oops\n\n"

    def __init__(self, model: str, asked: dict[str, Any]) -> None:
        self.model = model
        self.block: tuple[int, str] | None = None

    def opening(self, script: Script) -> bytes:
        usage = (
            {"output_tokens": 1}
            if script.usage is None
            else self._usage(script) | {"output_tokens": 1}
        )
        message = self._head() | {"content": [], "stop_reason": None, "usage": usage}
        if script.usage is None:
            del message["usage"]
        return _event({"type": "message_start", "message": message}) + _event({"type": "ping"})

    def reasoning(self, text: str) -> bytes:
        return self._within("thinking", {"thinking": ""}) + self._delta(
            {"type": "thinking_delta", "thinking": text}
        )

    def text(self, text: str) -> bytes:
        return self._within("text", {"text": ""}) + self._delta(
            {"type": "text_delta", "text": text}
        )

    def tool(self, index: int, tool: Tool) -> bytes:
        start = self._within(f"tool_use {index}", {"id": tool.id, "name": tool.name, "input": {}})
        parts = [
            {"type": "input_json_delta", "partial_json": part} for part in ("", *tool.arguments)
        ]
        return start + b"".join(self._delta(part) for part in parts)

    def closing(self, script: Script) -> bytes:
        reason = "tool_use" if script.tools else REASONS.get(script.finish, script.finish)
        end: dict[str, Any] = {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
        }
        if script.usage is not None:
            end["usage"] = {"output_tokens": script.tokens_output()}
        return self._stop() + _event(end) + _event({"type": "message_stop"})

    def error(self, message: str) -> bytes:
        return _event({"type": "error", "error": {"type": "overloaded_error", "message": message}})

    def failure(self, failure: Failure) -> dict[str, Any]:
        return {"type": "error", "error": {"type": failure.code, "message": failure.message}}

    def whole(self, script: Script) -> dict[str, Any]:
        content: list[dict[str, Any]] = []
        if script.reasoning:
            content.append(
                {"type": "thinking", "thinking": "".join(script.reasoning), "signature": "s"}
            )
        if script.pieces:
            content.append({"type": "text", "text": "".join(script.answer())})
        for tool in script.tools:
            arguments = json.loads("".join(tool.arguments) or "{}")
            content.append(
                {"type": "tool_use", "id": tool.id, "name": tool.name, "input": arguments}
            )
        reason = "tool_use" if script.tools else REASONS.get(script.finish, script.finish)
        usage = {} if script.usage is None else {"usage": self._usage(script)}
        return self._head() | {"content": content, "stop_reason": reason} | usage

    def _head(self) -> dict[str, Any]:
        return {"id": "msg_scripted", "type": "message", "role": "assistant", "model": self.model}

    def _within(self, kind: str, start: dict[str, Any]) -> bytes:
        """Open a content block of this kind, closing the one before, unless it is open already."""
        if self.block is not None and self.block[1] == kind:
            return b""
        stop = self._stop()
        self.block = (0 if self.block is None else self.block[0] + 1, kind)
        block = {"type": kind.split(" ")[0]} | start
        return stop + _event(
            {"type": "content_block_start", "index": self.block[0], "content_block": block}
        )

    def _stop(self) -> bytes:
        if self.block is None:
            return b""
        return _event({"type": "content_block_stop", "index": self.block[0]})

    def _delta(self, delta: dict[str, Any]) -> bytes:
        assert self.block is not None
        return _event({"type": "content_block_delta", "index": self.block[0], "delta": delta})

    def _usage(self, script: Script) -> dict[str, Any]:
        tokens = script.usage
        assert tokens is not None
        read = tokens.cache_read or 0
        writes = {
            "ephemeral_5m_input_tokens": tokens.cache_write_5m or 0,
            "ephemeral_1h_input_tokens": tokens.cache_write_1h or 0,
        }
        usage: dict[str, Any] = {
            "input_tokens": tokens.input - read - sum(writes.values()),
            "output_tokens": script.tokens_output(),
        }
        if tokens.cache_read is not None:
            usage["cache_read_input_tokens"] = read
        if tokens.cache_write_5m is not None or tokens.cache_write_1h is not None:
            usage["cache_creation_input_tokens"] = sum(writes.values())
            usage["cache_creation"] = writes
        return usage


def _data(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _event(value: dict[str, Any]) -> bytes:
    return f"event: {value['type']}\n".encode() + _data(value)
