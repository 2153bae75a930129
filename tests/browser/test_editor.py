"""The editor of prompts: everything typed is saved as a version, or kept until it is."""

import json
import re

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.async_api import Locator, Page, Route, expect

from airuns.server.prompts.rules import variable_names
from tests.browser.axe import problems, views
from tests.browser.conftest import Visits
from tests.browser.modules import call
from tests.browser.prompted import got, made, patched, unique
from tests.conftest import Run

PLACEHOLDERS = "../../prompts/pages/placeholders.js"
TEXTS = st.text(alphabet=list("{}\\ \t\nab_1.-é"), max_size=40)
PARTS = [
    {"type": "text", "text": "See {{topic}}", "cache_control": {"type": "ephemeral"}},
    {"type": "image_url", "image_url": {"url": "https://images.example/{{no}}.png"}},
]


def message(page: Page, number: int) -> Locator:
    """Return the field of a message's text, counted from 1."""
    return page.get_by_label(f"Text of message {number}", exact=True)


async def edited(visit: Visits, prompt_id: str, **options: object) -> Page:
    """Open a prompt's editor."""
    page = await visit(f"/ai/prompts/{prompt_id}/edit", **options)
    await expect(page.locator("[data-move]").first).to_be_disabled()  # its script has begun
    return page


async def save(page: Page) -> None:
    await page.get_by_role("button", name="Save", exact=True).click()


async def test_a_prompt_is_written_and_saved(visit: Visits, alice: httpx.Client) -> None:
    page = await visit("/ai/prompts/new")
    name = unique("Translator")
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("Description").fill("Into any language")
    for tag in ("work", "text"):
        await page.get_by_label("Tags").fill(tag)
        await page.keyboard.press("Enter")
    await message(page, 1).fill("Be exact.")
    await page.get_by_label("Role of message 1").select_option("system")
    await page.get_by_role("button", name="Add message").click()
    await expect(message(page, 2)).to_be_focused()
    await page.keyboard.type("Translate into {{language}}: {{text}}")
    await page.get_by_label("Default of language").fill("English")
    await page.get_by_label("Description of text").fill("What to translate")
    await page.get_by_label("text is required").uncheck()
    await page.get_by_label("Temperature").fill("0.3")
    await page.get_by_text("More settings").click()
    await page.get_by_label("As JSON").fill('{"stop": ["END"]}')
    await save(page)
    await expect(page).to_have_url(re.compile(r"/ai/prompts/[0-9a-f-]+/edit$"))
    prompt = got(alice, page.url.split("/")[-2])
    assert (prompt["name"], prompt["description"]) == (name, "Into any language")
    assert prompt["tags"] == ["work", "text"]
    assert prompt["messages"] == [
        {"role": "system", "content": "Be exact."},
        {"role": "user", "content": "Translate into {{language}}: {{text}}"},
    ]
    assert prompt["variables"] == [
        {"name": "language", "default": "English", "required": True, "description": ""},
        {"name": "text", "default": None, "required": False, "description": "What to translate"},
    ]
    assert prompt["settings"] == {"temperature": 0.3, "stop": ["END"]}


async def test_a_change_is_a_new_version_and_a_rename_is_none(
    visit: Visits, alice: httpx.Client
) -> None:
    prompt = made(alice)
    page = await edited(visit, prompt["id"])
    name = unique("Renamed")
    await page.get_by_label("Name", exact=True).fill(name)
    await page.keyboard.press("Control+s")
    await expect(page.get_by_role("status").get_by_text("Saved", exact=True)).to_be_visible()
    await expect(page.locator("h1")).to_contain_text(name)
    assert got(alice, prompt["id"])["version"] == 1
    await message(page, 1).fill("Greet {{name}} warmly")
    await expect(page.get_by_text("Unsaved changes")).to_be_visible()
    await page.keyboard.press("Control+s")
    await expect(page.get_by_text("Saved as version 2")).to_be_visible()
    await expect(page.locator(".version-item strong")).to_have_text(["v2", "v1"])
    saved = got(alice, prompt["id"])
    assert (saved["name"], saved["version"]) == (name, 2)


async def test_a_message_is_moved_and_removed_by_button_and_key(
    visit: Visits, alice: httpx.Client
) -> None:
    texts = [{"role": "user", "content": text} for text in ("one", "two", "three")]
    prompt = made(alice, messages=texts)
    page = await edited(visit, prompt["id"])
    await page.get_by_role("button", name="Move message 3 up").click()
    await message(page, 1).focus()
    await page.keyboard.press("Alt+ArrowDown")
    await expect(message(page, 2)).to_be_focused()
    await page.get_by_role("button", name="Remove message 3").click()
    await save(page)
    await expect(page.get_by_text("Saved as version 2")).to_be_visible()
    texts = [one["content"] for one in got(alice, prompt["id"])["messages"]]
    assert texts == ["three", "one"]
    await page.get_by_role("button", name="Remove message 2").click()
    await expect(page.get_by_role("button", name="Remove message 1")).to_be_disabled()


async def test_variables_are_marked_and_listed_while_one_types(
    visit: Visits, alice: httpx.Client
) -> None:
    page = await edited(visit, made(alice)["id"])
    await message(page, 1).fill(r"{{a}} \{{b}} {{ c }} {{a}}")
    await expect(page.locator(".highlights mark")).to_have_text(["{{a}}", "{{ c }}", "{{a}}"])
    await expect(page.locator("[data-variable-name]")).to_have_text(["a", "c"])


async def test_what_was_said_of_a_variable_comes_back_with_it(
    visit: Visits, alice: httpx.Client
) -> None:
    page = await edited(visit, made(alice)["id"])
    await page.get_by_label("Default of name").fill("Ada")
    await message(page, 1).fill("Greet {{nam}}")
    await expect(page.get_by_label("Default of name")).to_have_count(0)
    await message(page, 1).fill("Greet {{name}}")
    await expect(page.get_by_label("Default of name")).to_have_value("Ada")


async def test_variables_are_found_as_the_server_finds_them(visit: Visits, run: Run) -> None:
    page = await visit("/ai/prompts")

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(TEXTS | st.lists(TEXTS, max_size=2), min_size=30, max_size=30))
    def check(contents: list[str | list[str]]) -> None:
        said = [
            [{"role": "user", "content": one if isinstance(one, str) else _parts(one)}]
            for one in [*contents, r"{{a}} \{{b}} \\{{c}} {{{d}}}", "{{" + "a" * 100 + "}}"]
        ]
        expected.append([variable_names(messages) for messages in said])
        asked.append(said)

    expected: list[list[list[str]]] = []
    asked: list[list[list[dict[str, object]]]] = []
    check()
    found = [
        await call(page, PLACEHOLDERS, "variableNames", messages)
        for messages in [one for many in asked for one in many][:400]
    ]
    assert found == [names for many in expected for names in many][:400]


def _parts(texts: list[str]) -> list[dict[str, str]]:
    return [{"type": "text", "text": text} for text in texts]


@pytest.mark.parametrize(
    "text",
    [
        "A long line that wraps {{name}} " * 60,
        "اكتب {{الاسم}} ثم {{name}} في رسالة قصيرة " * 30,
        "日本語の長い文章に{{name}}を入れる。" * 40,
        "x" * 3000 + "{{name}}",
        "{{a}}\n\n\n{{b}}\n\t{{c}}\n",
    ],
    ids=["wrapped", "right to left", "without spaces", "one word", "lines"],
)
async def test_marks_lie_exactly_behind_the_text(
    visit: Visits, alice: httpx.Client, text: str
) -> None:
    page = await edited(visit, made(alice, text)["id"])
    layer = page.locator(".highlights")
    field = message(page, 1)
    heights = "([layer, field]) => [layer.offsetHeight, field.scrollHeight, field.offsetHeight]"
    behind, within, shown = await page.evaluate(
        heights, [await layer.element_handle(), await field.element_handle()]
    )
    assert behind == within == shown
    assert await layer.evaluate("(layer) => layer.textContent.slice(0, -1)") == text


async def test_parts_survive_and_can_be_edited_as_json(visit: Visits, alice: httpx.Client) -> None:
    messages = [{"role": "user", "content": PARTS}, {"role": "assistant", "content": "Yes?"}]
    prompt = made(alice, messages=messages)
    page = await edited(visit, prompt["id"])
    await message(page, 2).fill("Well?")
    await save(page)
    await expect(page.get_by_text("Saved as version 2")).to_be_visible()
    assert got(alice, prompt["id"])["messages"][0]["content"] == PARTS
    await message(page, 1).fill("[{")
    await save(page)
    await expect(page.get_by_text("Write a list of parts as JSON")).to_be_visible()
    await expect(message(page, 1)).to_be_focused()
    await message(page, 1).fill(json.dumps([{"type": "text", "text": "On {{subject}}"}]))
    await expect(page.locator("[data-variable-name]")).to_have_text(["subject"])
    await save(page)
    await expect(page.get_by_text("Saved as version 3")).to_be_visible()


async def test_settings_and_defaults_keep_their_types(visit: Visits, alice: httpx.Client) -> None:
    given_settings = {"model": "openai/echo", "temperature": "hot", "top_p": 1, "seed": None}
    variables = [{"name": "name", "default": 3}]
    prompt = made(alice, settings=given_settings, variables=variables)
    page = await edited(visit, prompt["id"])
    await expect(page.get_by_label("Default of name")).to_have_value("3")
    await page.get_by_label("Description of name").fill("How many")
    await page.get_by_label("Most tokens").fill("50")
    await save(page)
    await expect(page.get_by_text("Saved as version 2")).to_be_visible()
    saved = got(alice, prompt["id"])
    assert saved["settings"] == given_settings | {"max_tokens": 50}
    assert saved["variables"][0]["default"] == 3


@pytest.mark.parametrize(
    ("label", "typed", "says"),
    [
        ("Name", " ", "Give the prompt a name"),
        ("Temperature", "warm", "Give a number from 0 on"),
        ("Most tokens", "1.5", "Give a whole number"),
        ("Top p", "2", "Give a number from 0 to 1"),
    ],
)
async def test_a_problem_is_said_beside_its_field(
    visit: Visits, alice: httpx.Client, label: str, typed: str, says: str
) -> None:
    page = await edited(visit, made(alice)["id"])
    field = page.get_by_label(label, exact=True)
    await field.fill(typed)
    await save(page)
    await expect(page.get_by_text(says)).to_be_visible()
    await expect(field).to_be_focused()
    await expect(field).to_have_attribute("aria-invalid", "true")
    await field.fill("1")
    await expect(page.get_by_text(says)).to_have_count(0)


async def test_a_problem_that_the_server_finds_is_beside_its_field_too(
    visit: Visits, alice: httpx.Client
) -> None:
    page = await edited(visit, made(alice)["id"])
    page.set_default_timeout(10_000)
    await page.get_by_label("Name", exact=True).evaluate(
        "(field) => field.removeAttribute('maxlength')"
    )
    await page.get_by_label("Name", exact=True).fill("n" * 201)
    visit.errors.clear()
    await save(page)
    await expect(page.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    await expect(page.locator("[data-saved]")).to_have_text("Not saved")
    visit.errors.clear()  # the refusal is logged by the browser


async def test_what_is_not_saved_survives_a_reload_and_can_be_discarded(
    visit: Visits, alice: httpx.Client
) -> None:
    prompt = made(alice)
    page = await edited(visit, prompt["id"])
    await message(page, 1).fill("Greet {{name}} in {{language}}")
    await page.get_by_label("Default of language").fill("Dutch")
    await page.get_by_label("Temperature").fill("not yet a number")
    await page.reload()
    await expect(page.get_by_text("Your unsaved changes are back")).to_be_visible()
    await expect(message(page, 1)).to_have_value("Greet {{name}} in {{language}}")
    await expect(page.get_by_label("Default of language")).to_have_value("Dutch")
    await expect(page.get_by_label("Temperature")).to_have_value("not yet a number")
    await page.get_by_role("button", name="Discard them").click()
    await expect(message(page, 1)).to_have_value("Greet {{name}}")
    await expect(page.get_by_text("Your unsaved changes are back")).to_have_count(0)
    assert got(alice, prompt["id"])["version"] == 1


async def test_leaving_with_unsaved_changes_asks(visit: Visits, alice: httpx.Client) -> None:
    page = await visit(f"/ai/prompts/{made(alice)['id']}/edit", alone=True)
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept())[1])
    await message(page, 1).fill("Changed")
    await page.get_by_role("link", name="Runs", exact=True).first.click()
    await expect(page).to_have_url(re.compile("/ai/runs"))
    assert asked == ["beforeunload"]


async def test_deleting_a_prompt_does_not_ask_about_its_changes(
    visit: Visits, alice: httpx.Client
) -> None:
    prompt = made(alice)
    page = await visit(f"/ai/prompts/{prompt['id']}/edit", alone=True)
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept())[1])
    await message(page, 1).fill("Changed")
    await page.get_by_role("button", name="More of").click()
    await page.get_by_role("button", name="Delete…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("heading", name="Prompts")).to_be_visible()
    await expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert asked == []


async def test_whoever_saved_in_between_is_seen_and_nothing_is_lost(
    visit: Visits, alice: httpx.Client
) -> None:
    prompt = made(alice)
    page = await edited(visit, prompt["id"])
    theirs = [{"role": "user", "content": "Theirs for {{name}}"}]
    patched(alice, prompt["id"], messages=theirs)
    await message(page, 1).fill("Mine for {{name}}")
    await save(page)
    notice = page.locator(".notice[role=alert]")
    await expect(notice).to_contain_text("Version 2 was saved on")
    await expect(notice).to_contain_text("while you were changing version 1")
    await expect(notice).to_be_focused()
    assert await problems(page) == []
    await expect(message(page, 1)).to_have_value("Mine for {{name}}")
    link = notice.get_by_role("link", name="See what differs")
    path = f"/ai/prompts/{prompt['id']}/versions/2?against=1"
    await expect(link).to_have_attribute("href", path)
    await notice.get_by_role("button", name="Save mine as version 3").click()
    await expect(page.get_by_text("Saved as version 3")).to_be_visible()
    await expect(notice).to_have_count(0)
    assert got(alice, prompt["id"])["messages"][0]["content"] == "Mine for {{name}}"
    visit.errors.clear()  # the conflict is logged by the browser


async def test_the_newer_version_can_be_taken_instead(visit: Visits, alice: httpx.Client) -> None:
    prompt = made(alice)
    page = await edited(visit, prompt["id"])
    await message(page, 1).fill("Mine for {{name}}")
    await expect(page.get_by_text("Unsaved changes")).to_be_visible()
    patched(alice, prompt["id"], messages=[{"role": "user", "content": "Theirs"}])
    await page.reload()
    await expect(message(page, 1)).to_have_value("Mine for {{name}}")
    await page.get_by_role("button", name="Take version 2").click()
    await expect(message(page, 1)).to_have_value("Theirs")
    await expect(page.locator(".notice")).to_have_count(0)


async def test_nothing_is_lost_while_the_network_is_away(
    visit: Visits, alice: httpx.Client
) -> None:
    prompt = made(alice)
    page = await edited(visit, prompt["id"])
    await message(page, 1).fill("Written offline for {{name}}")

    async def refuse(route: Route) -> None:
        await route.abort()

    await page.route("**/api/prompts/**", refuse)
    await save(page)
    await expect(page.locator("[data-saved]")).to_have_text("Not saved")
    await expect(page.locator(".toast", has_text="cannot be reached")).to_be_visible()
    await page.unroute("**/api/prompts/**")
    await save(page)
    await expect(page.get_by_text("Saved as version 2")).to_be_visible()
    visit.errors.clear()  # the refused request is logged


async def test_a_prompt_is_saved_and_run(visit: Visits, alice: httpx.Client) -> None:
    prompt = made(alice)
    page = await edited(visit, prompt["id"])
    await message(page, 1).fill("Greet {{name}} twice")
    await page.get_by_role("button", name="Save and run").click()
    await expect(page).to_have_url(re.compile(f"/ai/prompts/run/{prompt['id']}"))
    assert got(alice, prompt["id"])["version"] == 2


async def test_a_model_is_chosen_with_the_picker(visit: Visits, alice: httpx.Client) -> None:
    prompt = made(alice, settings={})
    page = await edited(visit, prompt["id"])
    await page.get_by_role("button", name="Model:").click()
    option = page.get_by_role("dialog").get_by_role("option").filter(has_text="gpt").first
    chosen = await option.get_attribute("data-choice")
    await option.click()
    await save(page)
    await expect(page.get_by_text("Saved as version 2")).to_be_visible()
    assert got(alice, prompt["id"])["settings"] == {"model": chosen}


@views
async def test_nothing_keeps_people_out(
    visit: Visits, alice: httpx.Client, dark: bool, phone: bool
) -> None:
    prompt = made(alice, tags=["greetings"], settings={"model": "openai/echo", "seed": 1})
    page = await edited(visit, prompt["id"], dark=dark, phone=phone)
    await page.get_by_label("Temperature").fill("warm")
    await save(page)
    await expect(page.get_by_text("Give a number from 0 on")).to_be_visible()
    assert await problems(page) == []
    assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")
