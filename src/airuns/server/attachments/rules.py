"""What a file is, and how a model is shown it: decisions without a database."""

import base64
import hashlib
import re
from typing import Any, Literal

import msgspec

from airuns.errors import InvalidInput

Kind = Literal["image", "text"]

NAME_LENGTH = 300

_known_text = re.compile(
    r"text/[a-z0-9.+-]{1,60}|application/(?:json|[a-z0-9.]{1,40}\+json|yaml|x-yaml|toml|xml|sql"
    r"|javascript|typescript|x-sh|x-python)"
)
_backticks = re.compile(r"`+")
_control = re.compile(r"[\x00-\x1f\x7f]+")


class File(msgspec.Struct, frozen=True):
    """A file that may be attached: a picture that models know, or a text."""

    name: str
    media_type: str
    content: bytes

    @property
    def sha256(self) -> bytes:
        """The hash of its content, 32 bytes."""
        return hashlib.sha256(self.content).digest()


def file_of(name: str, said: str, content: bytes) -> File:
    """Return a file by its bytes; what the caller `said` of its type only chooses among texts.

    Raises InvalidInput when it is neither a picture that models know nor a text in UTF-8.
    """
    name = _control.sub(" ", re.split(r"[/\\]", name)[-1]).strip()[:NAME_LENGTH]
    if not name:
        raise InvalidInput("name must be the file's name, such as notes.md.", field="name")
    if not content:
        raise InvalidInput(f"{name} is empty.", field="body")
    said = said.lower()
    if picture := _picture(content):
        return File(name, picture, content)
    if said.startswith("image/") and said != "image/svg+xml":
        raise InvalidInput(
            f"{name} is no PNG, JPEG, GIF or WebP picture; models are shown no others.",
            field="body",
        )
    if not is_text(content):
        raise InvalidInput(
            f"{name} is neither a picture (PNG, JPEG, GIF, WebP) nor a text in UTF-8; nothing else "
            "can be attached.",
            field="body",
        )
    return File(name, said if _known_text.fullmatch(said) else "text/plain", content)


def _picture(content: bytes) -> str | None:
    """Return the media type that a picture's first bytes tell."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return None


def is_text(content: bytes) -> bool:
    """Say whether bytes are UTF-8 without a NUL character."""
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def kind_of(media_type: str) -> Kind:
    """Return what a stored file is."""
    return "image" if media_type.startswith("image/") else "text"


def shown(file: File) -> dict[str, Any]:
    """Return a file as the part of a message that a model is sent."""
    if kind_of(file.media_type) == "image":
        data = base64.b64encode(file.content).decode()
        return {"type": "image_url", "image_url": {"url": f"data:{file.media_type};base64,{data}"}}
    text = file.content.decode("utf-8-sig")
    longest = max((len(run) for run in _backticks.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    end = "" if text.endswith("\n") else "\n"
    return {"type": "text", "text": f"File: {file.name}\n{fence}\n{text}{end}{fence}"}


def only_named(name: str) -> dict[str, Any]:
    """Return the part that tells a model of a file whose content it is not shown."""
    return {"type": "text", "text": f"File: {name} (its content is not shown here)"}
