"""Files to attach, and the calls for it."""

from typing import Any

import httpx

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364"
    "f80f00010501012718e3660000000049454e44ae426082"
)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"
GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8L"


def put(client: httpx.Client, name: str, content: bytes, said: str = "") -> httpx.Response:
    """POST a file."""
    headers = {"content-type": said} if said else {}
    return client.post("/api/attachments", params={"name": name}, content=content, headers=headers)


def attach(
    client: httpx.Client, name: str = "notes.md", content: bytes = b"# Notes", said: str = ""
) -> dict[str, Any]:
    """POST a file and return what is said of it."""
    answer = put(client, name, content, said)
    assert answer.status_code == 201, answer.text
    return answer.json()


def part(attachment: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a message that names it."""
    return {"type": "attachment", "attachment_id": attachment["id"]}


def said_with(text: str, *attachments: dict[str, Any]) -> dict[str, Any]:
    """Return a user's message with attachments."""
    parts = [part(each) for each in attachments]
    return {"role": "user", "content": [{"type": "text", "text": text}, *parts]}
