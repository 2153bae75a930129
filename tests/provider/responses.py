"""How a scripted answer looks as one of OpenAI's responses.

Source: the API reference of OpenAI (responses, and their streaming events).
"""

import json
from typing import Any

from tests.provider.script import Failure, Script, Tool


class Responses:
    """Events and whole answers of responses."""

    media_type = "text/event-stream"
    garbage = b"event: response.output_text.delta\ndata: {oops\n\n"

    def __init__(self, model: str, asked: dict[str, Any]) -> None:
        self.model = model
        self.asked = asked
        self.number = -1
        self.texts: list[str] = []

    def opening(self, script: Script) -> bytes:
        item = {"id": "msg_scripted", "type": "message", "role": "assistant", "content": []}
        part = {"type": "output_text", "text": "", "annotations": []}
        return (
            self._event("response.created", response=self._response([], "in_progress"))
            + self._event(
                "response.output_item.added",
                output_index=0,
                item={**item, "status": "in_progress"},
            )
            + self._event("response.content_part.added", **self._place, part=part)
        )

    def reasoning(self, text: str) -> bytes:
        return b""

    def text(self, text: str) -> bytes:
        self.texts.append(text)
        return self._event("response.output_text.delta", **self._place, delta=text, logprobs=[])

    def tool(self, index: int, tool: Tool) -> bytes:
        item = _call(tool)
        return self._event("response.output_item.done", output_index=index + 1, item=item)

    def closing(self, script: Script) -> bytes:
        output = self._output("".join(self.texts), script)
        text = {"text": "".join(self.texts), "logprobs": []}
        return (
            self._event("response.output_text.done", **self._place, **text)
            + self._event("response.output_item.done", output_index=0, item=output[0])
            + self._event(
                "response.completed", response=self._response(output, "completed", script)
            )
        )

    def error(self, message: str) -> bytes:
        return self._event("error", code="scripted", message=message, param=None)

    def failure(self, failure: Failure) -> dict[str, Any]:
        return {
            "error": {"message": failure.message, "type": "scripted_error", "code": failure.code}
        }

    def whole(self, script: Script) -> dict[str, Any]:
        output = self._output("".join(script.answer()), script)
        return self._response(output, "completed", script)

    @property
    def _place(self) -> dict[str, Any]:
        return {"item_id": "msg_scripted", "output_index": 0, "content_index": 0}

    def _output(self, text: str, script: Script) -> list[dict[str, Any]]:
        part = {"type": "output_text", "text": text, "annotations": []}
        message = {
            "id": "msg_scripted",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [part],
        }
        return [message, *(_call(tool) for tool in script.tools)]

    def _response(
        self, output: list[dict[str, Any]], status: str, script: Script | None = None
    ) -> dict[str, Any]:
        usage = None
        if script is not None and script.usage is not None:
            told = script.usage
            usage = {
                "input_tokens": told.input,
                "input_tokens_details": {"cached_tokens": told.cache_read or 0},
                "output_tokens": script.tokens_output(),
                "output_tokens_details": {"reasoning_tokens": told.reasoning or 0},
                "total_tokens": told.input + script.tokens_output(),
            }
        return {
            "id": f"resp_{abs(hash(json.dumps(self.asked, sort_keys=True)))}",
            "object": "response",
            "created_at": 1700000000,
            "status": status,
            "model": self.model,
            "output": output,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": usage,
        }

    def _event(self, kind: str, **fields: Any) -> bytes:
        self.number += 1
        document = {"type": kind, "sequence_number": self.number, **fields}
        return f"event: {kind}\ndata: {json.dumps(document, separators=(',', ':'))}\n\n".encode()


def _call(tool: Tool) -> dict[str, Any]:
    return {
        "id": f"fc_{tool.id}",
        "type": "function_call",
        "status": "completed",
        "call_id": tool.id,
        "name": tool.name,
        "arguments": "".join(tool.arguments),
    }
