"""/api/attachments: files to send with messages."""

from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Request, delete, get, post
from litestar.params import QueryParameter
from litestar.response import Response

from airuns.errors import TooLarge
from airuns.server.attachments import store
from airuns.server.attachments.rules import NAME_LENGTH, Kind, file_of
from airuns.server.attachments.store import Attachment
from airuns.server.given import GivenDatabase, GivenSettings, GivenUser, PathId
from airuns.server.text import check_text

FileName = Annotated[str, QueryParameter(description="The file's name.", max_length=NAME_LENGTH)]


class AttachmentView(msgspec.Struct, frozen=True, kw_only=True):
    """A file as the API shows it; `sha256` is the hash of its content, in hexadecimal."""

    id: UUID
    name: str
    media_type: str
    size: int
    kind: Kind
    sha256: str


def attachment_view(attachment: Attachment) -> AttachmentView:
    """Return an attachment as the API shows it."""
    return msgspec.convert(attachment, AttachmentView, from_attributes=True)


@post("/api/attachments", request_max_body_size=None, tags=["attachments"])
async def add_attachment(
    request: Request[Any, Any, Any],
    who: GivenUser,
    db: GivenDatabase,
    settings: GivenSettings,
    name: FileName = "",
) -> AttachmentView:
    """Keep a file to send with a message; the body is the file itself.

    Pictures are PNG, JPEG, GIF or WebP; anything else must be text in UTF-8.
    """
    check_text(name, "name")
    content = await _body(request, settings.max_attachment)
    file = file_of(name, request.content_type[0], content)
    async with db.transaction(who) as tx:
        return attachment_view(await store.add(tx, who.user_id, file))


async def _body(request: Request[Any, Any, Any], most: int) -> bytes:
    """Return the whole body. Raises TooLarge as soon as it is known to be."""
    body = bytearray()
    if (request.content_length or 0) <= most:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                break
        else:
            return bytes(body)
    raise TooLarge(
        f"The file has more than {most} bytes, which is what AIRUNS_MAX_ATTACHMENT allows.",
        field="body",
    )


@get("/api/attachments/{attachment_id:str}", tags=["attachments"])
async def get_attachment(
    attachment_id: PathId, who: GivenUser, db: GivenDatabase
) -> Response[bytes]:
    """Return a file as it was sent. Texts are for downloading, whatever they contain."""
    async with db.transaction(who) as tx:
        attachment = await store.get(tx, who.user_id, attachment_id)
        content = await store.content(tx, who.user_id, attachment_id)
    is_image = attachment.kind == "image"
    disposition = "inline" if is_image else "attachment"
    return Response(
        content,
        media_type=attachment.media_type if is_image else "text/plain",
        headers={
            "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(attachment.name)}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
        },
    )


@delete("/api/attachments/{attachment_id:str}", tags=["attachments"])
async def delete_attachment(attachment_id: PathId, who: GivenUser, db: GivenDatabase) -> None:
    """Remove a file that was not sent."""
    async with db.transaction(who) as tx:
        await store.delete(tx, who.user_id, attachment_id)


routes = [add_attachment, get_attachment, delete_attachment]
