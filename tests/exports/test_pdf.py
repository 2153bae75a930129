"""PDF: every script, pages, pictures; and nothing that was said becomes markup."""

import io
import zipfile

from httpx import Client
from pypdf import PageObject, PdfReader

from airuns.server.db.door import Database
from airuns.server.exports import pdf
from airuns.server.exports.blocks import blocks_of, breakable, direction
from tests.attachments.files import GIF, PNG, attach, said_with
from tests.exports.taking import taken
from tests.exports.trees import user_messages
from tests.people import ALICE
from tests.runs.calling import user

SCRIPTS = ["Größe naïve", "Привет мир", "你好世界", "ひらがな", "한국어", "Ελληνικά", "🦉"]
INJECTION = (
    '#import "/etc/passwd": * #read("data.json") $x^2$ \\alpha #eval("1+1") @ref <label> '
    "#set page(fill: red) // gone /* gone */ = no heading _not_em_ #{panic()} `#raw`"
)


def read(content: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(content))


def has_picture(page: PageObject) -> bool:
    drawn = page["/Resources"].get("/XObject", {})
    return any(each.get_object()["/Subtype"] == "/Image" for each in drawn.values())


def run_of(alice: Client, *messages: object, name: str = "A run") -> str:
    run_id = alice.post("/api/runs", json={"name": name}).json()["id"]
    for message in messages:
        answer = alice.post(f"/api/runs/{run_id}/messages", json=message)
        assert answer.status_code == 201, answer.text
    return run_id


def export(alice: Client, run_id: str) -> PdfReader:
    answer = alice.get(f"/api/runs/{run_id}/export", params={"format": "pdf"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    return read(answer.content)


def test_a_pdf_holds_every_script_pages_and_pictures(alice: Client) -> None:
    files = [attach(alice, "dot.png", PNG), attach(alice, "notes.md", b"# Owls")]
    code = "```python\n" + "\n".join(f"line_{n} = {n}" for n in range(90)) + "\n```"
    markdown = f"# Title\n\n- a **bold** point\n\n| a | b |\n| - | -: |\n| 1 | 2 |\n\n{code}"
    run_id = run_of(
        alice,
        user("\n\n".join([*SCRIPTS, "مرحبا بالعالم", "ภาษาไทย", "हिन्दी"])),
        user(INJECTION),
        user(markdown),
        said_with("Look", *files),
        user("x" * 500),
        name="Owls 猫 #panic()",
    )
    document = export(alice, run_id)
    text = "\n".join(page.extract_text() for page in document.pages)
    assert "\u200b" not in text
    squeezed = "".join(text.split())
    for words in (
        *SCRIPTS,
        INJECTION.replace("`", "").replace("_not_em_", "not"),
        "Owls猫#panic()",
    ):
        plain = "".join(words.split())
        assert plain[:20] in squeezed, plain
    assert "line_89=89" in squeezed
    assert "notes.md(text/plain" in squeezed
    assert "x" * 500 in squeezed
    assert 3 <= len(document.pages) <= 6
    assert document.pages[1].extract_text().rstrip().endswith(f"2 / {len(document.pages)}")
    assert document.metadata is not None
    assert document.metadata.title == "Owls 猫 #panic()"
    assert any(has_picture(page) for page in document.pages)


def test_a_picture_that_cannot_be_shown_is_named(alice: Client) -> None:
    document = export(
        alice, run_of(alice, said_with("Look", attach(alice, "broken.gif", GIF[:6] + b"x")))
    )
    assert "broken.gif" in document.pages[0].extract_text()


def test_several_runs_are_a_folder_of_documents(alice: Client) -> None:
    ids = [run_of(alice, user(f"Said {n}"), name="Same / name") for n in range(2)]
    answer = alice.get("/api/export", params={"format": "pdf", "ids": ids})
    assert answer.headers["content-type"] == "application/zip"
    folder = zipfile.ZipFile(io.BytesIO(answer.content))
    assert folder.namelist() == ["0001 Same name.pdf", "0002 Same name.pdf"]
    for n, name in enumerate(folder.namelist()):
        assert f"Said {n}" in read(folder.read(name)).pages[0].extract_text()


async def test_a_long_run_is_several_documents(db: Database) -> None:
    run_id = await user_messages(db, ALICE, pdf.PART_MESSAGES + 5)
    folder = zipfile.ZipFile(io.BytesIO(await taken(db, ALICE.who, [run_id], "pdf")))
    assert [name.partition(" ")[2] for name in folder.namelist()] == [
        "Long (part 1 of 2).pdf",
        "Long (part 2 of 2).pdf",
    ]
    last = read(folder.read(folder.namelist()[1]))
    assert f"Message {pdf.PART_MESSAGES + 4}" in last.pages[-1].extract_text()


def test_long_words_may_break_and_letters_stay_with_their_marks() -> None:
    assert breakable("short words stay") == "short words stay"
    assert "\u200b\u0301" not in breakable("e\u0301" * 30)
    assert breakable("a" * 30).split("\u200b") == ["a" * 8, "a" * 8, "a" * 8, "a" * 6]


def test_paragraphs_run_the_way_that_their_first_letter_does() -> None:
    assert [direction(text) for text in ("1 مرحبا abc", "abc مرحبا", "…", "שלום")] == [
        "rtl",
        "ltr",
        "ltr",
        "rtl",
    ]


def test_markdown_that_nests_deep_or_is_odd_is_data() -> None:
    for text in (
        "> " * 300 + "x",
        "- " * 200 + "x",
        "|a|\n|-|\n",
        "1000000000. x",
        "[x](javascript:y)",
    ):
        assert isinstance(blocks_of(text), list)
    [link] = blocks_of("[x](javascript:y)")
    assert {span["link"] for span in link["spans"]} == {""}
