"""/api/attachments: files are kept, shown and removed; only pictures and texts, only one's own."""

from collections.abc import Callable
from hashlib import sha256
from uuid import uuid4

import httpx
import pytest

from tests.attachments.files import GIF, JPEG, PNG, WEBP, attach, put
from tests.people import ALICE
from tests.runs.calling import problem
from tests.serving import Served


@pytest.mark.parametrize(
    ("content", "said", "media_type", "kind"),
    [
        (PNG, "image/png", "image/png", "image"),
        (JPEG, "image/jpeg", "image/jpeg", "image"),
        (GIF, "image/gif", "image/gif", "image"),
        (WEBP, "image/webp", "image/webp", "image"),
        (PNG, "image/jpeg", "image/png", "image"),
        (PNG, "text/plain", "image/png", "image"),
        (b"# Notes", "text/markdown", "text/markdown", "text"),
        (b"# Notes", "text/markdown; charset=utf-8", "text/markdown", "text"),
        (b'{"a": 1}', "application/json", "application/json", "text"),
        (b"a: 1", "application/x-yaml", "application/x-yaml", "text"),
        (b"print()", "application/octet-stream", "text/plain", "text"),
        (b"<svg/>", "image/svg+xml", "text/plain", "text"),
        ("Grüße 🙂".encode(), "", "text/plain", "text"),
        (b"<script>alert(1)</script>", "text/html", "text/html", "text"),
    ],
)
def test_a_file_is_what_its_bytes_say(
    alice: httpx.Client, content: bytes, said: str, media_type: str, kind: str
) -> None:
    made = attach(alice, "file.x", content, said)
    assert made == {
        "id": made["id"],
        "name": "file.x",
        "media_type": media_type,
        "size": len(content),
        "kind": kind,
        "sha256": sha256(content).hexdigest(),
    }
    shown = alice.get(f"/api/attachments/{made['id']}")
    assert shown.content == content
    is_image = kind == "image"
    assert shown.headers["content-type"] == (
        media_type if is_image else "text/plain; charset=utf-8"
    )
    assert shown.headers["content-disposition"].split(";")[0] == (
        "inline" if is_image else "attachment"
    )
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in shown.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("content", "said", "says"),
    [
        (b"", "text/plain", "empty"),
        (b"no picture", "image/png", "PNG"),
        (b"<svg/>", "image/tiff", "PNG"),
        (b"%PDF-1.7\0", "application/pdf", "UTF-8"),
        ("Grüße".encode("latin-1"), "text/plain", "UTF-8"),
        ("Grüße".encode("utf-16"), "text/plain", "UTF-8"),
        (b"a\0b", "text/plain", "UTF-8"),
    ],
)
def test_what_models_cannot_be_shown_is_refused(
    alice: httpx.Client, content: bytes, said: str, says: str
) -> None:
    assert says in problem(put(alice, "f", content, said), 422, "body")["detail"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\docs\\Bericht.md", "Bericht.md"),
        ("../../etc/passwd", "passwd"),
        ('a"b;\r\nx.txt', 'a"b; x.txt'),
        ("日本語.txt", "日本語.txt"),
    ],
)
def test_a_name_is_the_files_own(alice: httpx.Client, given: str, kept: str) -> None:
    made = attach(alice, given, b"x")
    assert made["name"] == kept
    disposition = alice.get(f"/api/attachments/{made['id']}").headers["content-disposition"]
    assert "\n" not in disposition
    assert disposition.isascii()


@pytest.mark.parametrize("name", ["", "/", "x" * 301])
def test_a_file_has_a_name(alice: httpx.Client, name: str) -> None:
    problem(put(alice, name, b"x"), 422, "name")


def test_a_file_has_a_name_at_all(alice: httpx.Client) -> None:
    problem(alice.post("/api/attachments", content=b"x"), 422, "name")


def test_an_unsent_file_is_removed(alice: httpx.Client) -> None:
    path = f"/api/attachments/{attach(alice)['id']}"
    assert alice.delete(path).status_code == 204
    for answer in (alice.get(path), alice.delete(path)):
        problem(answer, 404, "attachment_id")


def test_a_stranger_sees_and_removes_nothing(alice: httpx.Client, charlie: httpx.Client) -> None:
    made = attach(alice)
    for each in (made["id"], str(uuid4())):
        for answer in (
            charlie.get(f"/api/attachments/{each}"),
            charlie.delete(f"/api/attachments/{each}"),
        ):
            assert problem(answer, 404)["detail"] == f"There is no attachment {each}."
    assert alice.get(f"/api/attachments/{made['id']}").status_code == 200


def test_without_a_key_nothing_is_kept_or_shown(server: Served, alice: httpx.Client) -> None:
    with server.client() as nobody:
        assert put(nobody, "x", b"x").status_code == 401
        assert nobody.get(f"/api/attachments/{attach(alice)['id']}").status_code == 401


def test_files_have_a_largest_size(serve: Callable[..., Served], own_database_url: str) -> None:
    limits = {"AIRUNS_MAX_ATTACHMENT": 1000, "AIRUNS_MAX_BODY": 500}
    served = serve(AIRUNS_DATABASE_URL=own_database_url, **limits)
    with served.client(ALICE) as client:
        assert put(client, "x", b"x" * 1000).status_code == 201
        refused = problem(put(client, "x", b"x" * 1001), 413, "body")
        assert "AIRUNS_MAX_ATTACHMENT" in refused["detail"]
        chunked = client.post(
            "/api/attachments", params={"name": "x"}, content=(b"x" * 100 for _ in range(11))
        )
        problem(chunked, 413, "body")
