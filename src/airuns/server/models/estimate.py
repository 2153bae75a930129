"""Tokens of a call whose provider gives no usage, by rule of thumb.

English text has about 4 characters a token (OpenAI, "What are tokens and how to count them?"), and
a message costs about 4 tokens beside its text (OpenAI Cookbook, "How to count tokens with
tiktoken"). In alphabets that tokenizers saw less of (Cyrillic, Arabic, Devanagari, …) a token is
about 2 characters; in Chinese, Japanese and Korean it is about 1. A picture of usual size costs
around 1,000 tokens with the larger providers (Anthropic: width x height / 750). The result is meant
to be of the right size and no more, and is marked as estimated.
"""

import math
import re
from typing import Any, cast

import msgspec

from airuns.server.models.call import Usage

MESSAGE_TOKENS = 4
PICTURE_TOKENS = 1000

_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]+"
)
_LATIN = re.compile("[\0-\u024f\u2000-\u206f]+")


def estimate(messages: list[dict[str, Any]], text: str) -> Usage:
    """Return the estimated usage of a call that sent `messages` and got `text`."""
    asked = sum(MESSAGE_TOKENS + _message_tokens(message) for message in messages)
    return Usage(input=asked, output=tokens(text), estimated=True)


def tokens(text: str) -> int:
    """Estimate the tokens of a text; 0 only for none."""
    if text.isascii():
        return math.ceil(len(text) / 4)
    others = _CJK.sub("", text)
    rest = len(_LATIN.sub("", others))
    return math.ceil(len(text) - len(others) + rest / 2 + (len(others) - rest) / 4)


def _message_tokens(message: dict[str, Any]) -> int:
    content = message.get("content")
    calls = message.get("tool_calls")
    of_calls = tokens(msgspec.json.encode(calls).decode()) if calls else 0
    if isinstance(content, list):
        return of_calls + sum(_part_tokens(part) for part in cast("list[Any]", content))
    return of_calls + tokens(content or "")


def _part_tokens(part: Any) -> int:
    if isinstance(part, dict):
        text = cast("dict[str, Any]", part).get("text")
        return tokens(text) if isinstance(text, str) else PICTURE_TOKENS
    return tokens(str(part))
