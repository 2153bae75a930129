"""Files as other products export them, made small."""

import io
import json
import zipfile
from typing import Any
from uuid import UUID, uuid4

from tests.attachments.files import PNG

JSON = dict[str, Any]
START = 1_700_000_000.25


def node(key: str, parent: str | None, role: str = "user", words: str = "", **more: Any) -> JSON:
    """A node of ChatGPT's mapping; `more` are fields of its message."""
    message: JSON = {
        "id": key,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": START + len(key),
        "content": {"content_type": "text", "parts": [words]},
        "status": "finished_successfully",
        "weight": 1.0,
        "metadata": {"model_slug": "gpt-4o"} if role == "assistant" else {},
        "recipient": "all",
    }
    return {"id": key, "parent": parent, "children": [], "message": {**message, **more}}


def root(key: str = "root") -> JSON:
    return {"id": key, "parent": None, "children": [], "message": None}


def conversation(*nodes: JSON, current: str | None = None, **more: Any) -> JSON:
    """A conversation of ChatGPT; children are those that name a parent, in order."""
    mapping = {each["id"]: json.loads(json.dumps(each)) for each in nodes}
    for each in nodes:
        if each["parent"] in mapping:
            mapping[each["parent"]]["children"].append(each["id"])
    of: JSON = {
        "title": "Owls",
        "create_time": START,
        "update_time": START + 100,
        "mapping": mapping,
        "current_node": current or nodes[-1]["id"],
        "conversation_id": str(uuid4()),
        "default_model_slug": "gpt-4o",
    }
    return {**of, "id": of["conversation_id"], **more}


def talk(name: str = "Owls", **more: Any) -> JSON:
    """A conversation of ChatGPT: one question and its answer."""
    return conversation(
        root(),
        node("q", "root", words="Where?"),
        node("a", "q", "assistant", "Here."),
        title=name,
        **more,
    )


def claude(*messages: JSON, **more: Any) -> JSON:
    """A conversation of Claude."""
    of: JSON = {
        "uuid": str(uuid4()),
        "name": "Herons",
        "created_at": "2025-01-01T10:00:00.000000Z",
        "updated_at": "2025-01-01T11:00:00.000000Z",
        "account": {"uuid": str(UUID(int=1))},
        "chat_messages": list(messages),
    }
    return {**of, **more}


def message(sender: str, *blocks: JSON | str, **more: Any) -> JSON:
    """A message of Claude: texts, or blocks of other types."""
    content = [{"type": "text", "text": each} if isinstance(each, str) else each for each in blocks]
    words = "".join(each for each in blocks if isinstance(each, str))
    of: JSON = {
        "uuid": str(uuid4()),
        "text": words,
        "content": content,
        "sender": sender,
        "created_at": "2025-01-01T10:00:00.000000Z",
        "attachments": [],
        "files": [],
    }
    return {**of, **more}


def zipped(files: dict[str, Any], **how: Any) -> bytes:
    """A zip of files: bytes as they are, anything else as JSON."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", **how) as out:
        for name, content in files.items():
            out.writestr(name, content if isinstance(content, bytes) else json.dumps(content))
    return packed.getvalue()


def with_picture() -> dict[str, Any]:
    """ChatGPT's export of 2026: many files, and pictures whose names are in a list of their own."""
    pointer = {
        "content_type": "image_asset_pointer",
        "asset_pointer": "sediment://file_00000000329c620cae9335c4e8fffff8",
        "size_bytes": len(PNG),
    }
    gone = {**pointer, "asset_pointer": "file-service://file-0HDUFW2JaMMvCvhqOQsPCGxF"}
    content = {"content_type": "multimodal_text", "parts": [pointer, gone, "What is it?"]}
    attached = [
        {"id": "file-0HDUFW2JaMMvCvhqOQsPCGxF", "name": "gone.jpg", "mime_type": "image/jpeg"},
        {
            "id": "file-11111111111111111111111F",
            "name": "notes.pdf",
            "mime_type": "application/pdf",
        },
    ]
    nodes = (
        root(),
        node("q", "root", content=content, metadata={"attachments": attached}),
        node("a", "q", "assistant", "An owl."),
    )
    return {
        "conversations-000.json": [conversation(*nodes, title="Picture")],
        "deep/er/conversations-001.json": [talk("Second")],
        "conversations-010.json": talk("One in a file of its own"),
        "file_00000000329c620cae9335c4e8fffff8.dat": PNG,
        "conversation_asset_file_names.json": {
            "file_00000000329c620cae9335c4e8fffff8.dat": "whiteboard.png"
        },
        "export_manifest.json": {"version": 1},
        "user.json": {"id": "user-1"},
        "message_feedback.json": [],
        "chat.html": b"<html></html>",
    }
