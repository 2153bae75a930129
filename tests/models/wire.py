"""Bodies as they go over the wire."""

from typing import Any

import msgspec


def sse(*events: dict[str, Any], done: bool = False) -> str:
    """A stream of server-sent events, named as OpenAI's responses and Anthropic's are."""
    told = [
        (f"event: {event['type']}\n" if "type" in event else "")
        + f"data: {msgspec.json.encode(event).decode()}\n\n"
        for event in events
    ]
    return "".join(told) + ("data: [DONE]\n\n" if done else "")


def chunk(delta: dict[str, Any], reason: str | None = None, index: int = 0, **more: Any) -> Any:
    """A chunk of a chat completion, as OpenAI sends it."""
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}
    return {
        "id": "chatcmpl-9lvPWzPRJMuSVKUqBJUrZZYYZkqvO",
        "object": "chat.completion.chunk",
        "created": 1721075653,
        "model": "gpt-4o-2024-08-06",
        "service_tier": "default",
        "system_fingerprint": "fp_845eaabc1f",
        "choices": [choice],
        **more,
    }


def completion(message: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A chat completion, as OpenAI sends it."""
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion",
        "created": 1741569952,
        "model": "gpt-4.1-2025-04-14",
        "choices": [choice],
        "usage": {
            "prompt_tokens": 19,
            "completion_tokens": 10,
            "total_tokens": 29,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 4,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
        **more,
    }


def as_openai_says(text: str) -> dict[str, Any]:
    """An assistant's message as OpenAI sends it."""
    return {"role": "assistant", "content": text, "refusal": None, "annotations": []}
