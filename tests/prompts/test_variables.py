"""Variables are found in texts and replaced by values, exactly once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airuns.errors import InvalidInput
from airuns.server.prompts.rules import Variable, declared, described, render, variable_names

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,12}", fullmatch=True)
VALUES = (
    st.text() | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
)


def said(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def rendered(text: str, **values: Any) -> str:
    content: str = render(said(text), [], values)[0]["content"]
    return content


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{a}} and {{ b }} and {{a}}", ["a", "b"]),
        ("{{user.name}} {{item-2}} {{_x}}", ["user.name", "item-2", "_x"]),
        ("{{{a}}}", ["a"]),
        (r"\{{a}} \\{{b}}", ["b"]),
        ("{{}} {{1a}} {{a b}} {{a\n}} {a} { {a} } {{a}", []),
        ("{{" + "a" * 101 + "}}", []),
    ],
)
def test_finds_names(text: str, names: list[str]) -> None:
    assert variable_names(said(text)) == names


def test_finds_names_in_parts_and_over_messages_in_order() -> None:
    messages = [
        {"role": "system", "content": "{{b}}"},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "https://x/{{no}}"}},
                {"type": "text", "text": "{{a}} {{b}}"},
            ],
        },
        {"role": "assistant", "content": None},
    ]
    assert variable_names(messages) == ["b", "a"]
    parts = render(messages, [], {"a": 1, "b": 2})[1]["content"]
    assert parts == [messages[1]["content"][0], {"type": "text", "text": "1 2"}]


@pytest.mark.parametrize(
    ("value", "text"),
    [("x", "x"), ("", ""), (3, "3"), (0, "0"), (1.5, "1.5"), (True, "true"), (False, "false")],
)
def test_values_are_put_in_plainly(value: Any, text: str) -> None:
    assert rendered("<{{v}}>", v=value) == f"<{text}>"


def test_backslashes_keep_braces_as_text() -> None:
    assert rendered(r"\{{ v }} \\{{v}} \\\{{v}} \n \\ {{v}}", v="x") == (
        r"{{ v }} \x \{{v}} \n \\ x"
    )


@given(st.text().filter(lambda text: "{{" not in text))
def test_text_without_braces_stays_as_it_is(text: str) -> None:
    assert rendered(text) == text


@given(NAMES, st.text())
def test_a_value_with_braces_is_not_expanded_again(name: str, value: str) -> None:
    value = f"{value}{{{{{name}}}}} {{{{other}}}}"
    assert rendered(f"{{{{{name}}}}}{{{{other}}}}", **{name: value, "other": "x"}) == (
        value + "x" if name != "other" else "xx"
    )


@given(st.lists(NAMES))
def test_names_come_in_order_of_first_appearance(names: list[str]) -> None:
    text = " ".join(f"{{{{{name}}}}}" for name in names)
    assert variable_names(said(text)) == list(dict.fromkeys(names))


@given(st.lists(NAMES, unique=True), st.data())
def test_every_value_is_found_at_its_place(names: list[str], data: st.DataObject) -> None:
    values = {name: data.draw(st.text(alphabet="abc{}\\ ")) for name in names}
    text = "|".join(f"{{{{ {name} }}}}" for name in names)
    assert rendered(text, **values) == "|".join(values.values())


@given(st.text(alphabet="ab{}\\ .-_\n"), st.lists(NAMES))
def test_declaring_twice_changes_nothing(text: str, names: list[str]) -> None:
    messages = said(text + "".join(f"{{{{{name}}}}}" for name in names))
    once = declared(messages, [Variable(name=name, default="d") for name in names[:2]])
    assert declared(messages, once) == once


@given(st.text(alphabet="ab{}\\ .-_\n"), VALUES)
def test_any_text_renders_when_its_variables_have_values(text: str, value: Any) -> None:
    rendered(text, **dict.fromkeys(variable_names(said(text)), value))


def test_a_default_fills_in_and_an_optional_variable_stays_empty() -> None:
    variables = [
        Variable(name="tone", default="calm"),
        Variable(name="zero", default=0),
        Variable(name="note", required=False),
    ]
    messages = said("{{tone}} {{zero}} [{{note}}]")
    assert render(messages, variables, {})[0]["content"] == "calm 0 []"
    assert render(messages, variables, {"tone": ""})[0]["content"] == " 0 []"


def test_a_missing_value_is_named_with_the_remedy() -> None:
    with pytest.raises(InvalidInput, match=r"topic is missing: send its value") as error:
        rendered("{{topic}}")
    assert error.value.field == "variables.topic"


@pytest.mark.parametrize("value", [None, [], {}, float("nan"), float("inf"), b"x"])
def test_a_value_of_another_type_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput, match="must be a text, a number or a boolean") as error:
        rendered("{{topic}}", topic=value)
    assert error.value.field == "variables.topic"


def test_an_unknown_value_is_refused_with_the_known_names() -> None:
    with pytest.raises(InvalidInput, match=r"no variable 'tpoic'.*have topic, tone\.") as error:
        rendered("{{topic}} {{tone}}", topic="x", tpoic="y")
    assert error.value.field == "variables.tpoic"


def test_a_described_variable_must_be_in_a_text_and_only_once() -> None:
    topic = Variable(name="topic")
    assert described(said("{{topic}} {{x}}"), [topic]) == [topic, Variable(name="x")]
    with pytest.raises(InvalidInput, match="is in no message") as error:
        described(said("{{topic}}"), [topic, Variable(name="tone")])
    assert error.value.field == "variables[1].name"
    with pytest.raises(InvalidInput, match="described twice"):
        described(said("{{topic}}"), [topic, topic])


@pytest.mark.parametrize("piece", ["\\", "{{ ", "{", "{{a", "{{a }"])
def test_a_long_text_takes_linear_time(piece: str) -> None:
    assert variable_names(said(piece * 1_000_000)) == []
