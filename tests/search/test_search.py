"""GET /api/search, from outside."""

import pytest
from httpx import Client

from tests.runs.calling import execute, get, problem, user
from tests.search.finding import add, found, marked, new_word, say, search, settle


def test_a_hit_shows_its_message_in_context_and_leads_to_it(alice: Client) -> None:
    word = new_word()
    run_id = say(alice, "Nothing here", f"The {word.upper()} café is old. " * 3, name="A name")
    message_id = add(alice, run_id, f"{'Before that. ' * 60}Then {word} again{' and on' * 60}")
    [hit] = search(alice, f"{word} again")
    assert hit["run"]["name"] == "A name"
    assert (hit["message_id"], hit["role"], hit["matches"]) == (message_id, "user", 1)
    assert f"Then [{word}] [again] and on" in marked(hit["snippet"])
    assert hit["snippet"][0]["text"] == "… "
    assert len(marked(hit["snippet"])) < 300
    assert hit["path"] == f"/ai/chat/{run_id}?message={message_id}#m-{message_id}"
    [hit] = search(alice, f'"{word} cafe"')
    assert f"The [{word.upper()}] [café] is" in marked(hit["snippet"])


@pytest.mark.parametrize(
    ("text", "finds", "misses"),
    [
        ("Das Café in Łódź", ["cafe", "CAFÉ", "lodz", "caf*"], ["caf", "afe"]),
        ("我在东京都厅学习中文。", ["东京", "东京都", "文", "东", "学习"], ["京东", "中学"]),
        ("昨日ラーメンを食べた", ["ラーメン", "らーめん", "食べ"], ["メラ"]),
        ("한국어를 공부해요", ["한국어", "공부"], ["국한"]),
        ("ภาษาไทยยาก", ["ไทย", "ภาษา"], ["ไยท"]),
        ("الكِتَابُ جديد", ["الكتاب", "الكت*", "جديد"], ["كتب"]),
        ("Съешь ещё этих булок", ["еще", "БУЛОК", '"съешь еще"'], ["булка"]),
        ("हिन्दी में लिखो", ["हिन्दी", "लिखो"], ["हन्द"]),
        ("call getUserName now", ["getUserName", "getusername", "user_name", "getuse*"], ["rName"]),
        ("see parse_json_2 in a/b.py", ["json", "parse_json", "b.py", '"a b.py"'], ["a.py"]),
        ("GPT-4 and llama3 in C++", ["gpt4", "gpt-4", '"llama 3"', "c++"], ["gpt 5", "c#"]),
        ("one two three", ['"one two"', "three one", "t*"], ['"two one"', '"one three"']),
        ("ship it 🚀 today", ["🚀", '"it 🚀"'], ["🎉"]),
    ],
)
def test_any_script(alice: Client, text: str, finds: list[str], misses: list[str]) -> None:
    word = new_word()
    run_id = say(alice, f"{text} {word}")
    for q in finds:
        [hit] = search(alice, f"{q} {word}")
        assert hit["run"]["id"] == run_id, q
        assert marked(hit["snippet"]).count("[") >= 2, (q, marked(hit["snippet"]))
    for q in misses:
        assert found(alice, f"{q} {word}") == set(), q


def test_names_descriptions_and_tags_are_found_and_come_first(alice: Client) -> None:
    word = new_word()
    named = say(alice, name=f"About {word}")
    tagged = say(alice, tags=[word], description="Long")
    described = say(alice, description=f"All of {word}")
    said = say(alice, f"{word} {word}")
    hits = search(alice, word)
    assert [hit["run"]["id"] for hit in hits][-1] == said
    assert {hit["run"]["id"] for hit in hits} == {named, tagged, described, said}
    by_id = {hit["run"]["id"]: hit for hit in hits}
    assert marked(by_id[named]["name"]) == f"About [{word}]"
    assert marked(by_id[described]["snippet"]) == f"All of [{word}]"
    assert by_id[named]["message_id"] is None
    assert by_id[named]["path"] == f"/ai/chat/{named}"


def test_what_is_left_out(alice: Client) -> None:
    word = new_word()
    kept, other = say(alice, f"{word} red"), say(alice, f"{word} blue sky")
    assert found(alice, f"{word} -blue") == {kept}
    assert found(alice, f'{word} -"blue sky"') == {kept}
    assert found(alice, f"{word} -gre*") == {kept, other}
    assert get(alice, "/api/search", q="-blue")["notices"] != []


def test_filters(alice: Client) -> None:
    word = new_word()
    plain = say(alice, f"{word} plain", role="assistant")
    starred = say(alice, word, tags=["to do"])
    alice.patch(f"/api/runs/{starred}", json={"is_starred": True})
    archived = say(alice, word)
    alice.post("/api/runs/changes", json={"action": "archive", "ids": [archived]})
    ran = execute(alice, messages=[user(word)], model="openai/echo")["run_id"]
    everything = {plain, starred, ran}
    for q, expected in {
        "": everything,
        "is:starred": {starred},
        "-is:starred": {plain, ran},
        "is:archived": {archived},
        'tag:"to do"': {starred},
        '-tag:"to do"': {plain, ran},
        "model:echo": {ran},
        "model:openai/echo provider:OpenAI": {ran},
        "-provider:openai": {plain, starred},
        "status:completed": {ran},
        "is:unfinished": set(),
        "source:chat": {ran},
        "source:prompt": set(),
        "messages:>1": {ran},
        "messages:1": {plain, starred},
        "tokens:>0": {ran},
        "cost:>0.5": set(),
        "after:today": everything,
        "before:today": set(),
        "on:today": everything,
        "after:1d before:2999": everything,
        "role:assistant": {plain, ran},
        "-role:assistant": everything - {plain},
        "role:user is:starred": {starred},
    }.items():
        for sort in ("relevance", "date"):
            assert found(alice, f"{word} {q}", sort=sort) == expected, (q, sort)
    assert found(alice, 'tag:"to do" is:starred') >= {starred}


def test_what_is_not_understood_is_searched_as_text(alice: Client) -> None:
    word = new_word()
    run_id = say(alice, f"modle:{word}")
    settle(alice)
    answer = get(alice, "/api/search", q=f"modle:{word}")
    assert [hit["run"]["id"] for hit in answer["items"]] == [run_id]
    assert "modle: is not a filter" in answer["notices"][0]


@pytest.mark.parametrize("sort", ["relevance", "date"])
def test_pages_have_each_run_once(alice: Client, sort: str) -> None:
    word = new_word()
    runs = [say(alice, f"{word} {number}") for number in range(7)]
    for run_id in (runs[1], runs[4], runs[1]):
        add(alice, run_id, f"once more {word}")
    for limit in (1, 3, 20):
        hits = search(alice, word, sort=sort, limit=limit)
        ids = [hit["run"]["id"] for hit in hits]
        assert sorted(ids) == sorted(runs)
        if sort == "date":
            assert ids[:2] == [runs[1], runs[4]]
            assert [hit["at"] for hit in hits] == sorted((hit["at"] for hit in hits), reverse=True)
    assert {hit["run"]["id"]: hit["matches"] for hit in hits}[runs[1]] == 3


def test_changes_show_after_a_moment(alice: Client) -> None:
    old, new, said = new_word(), new_word(), new_word()
    run_id = say(alice, said, name=old)
    assert found(alice, old) == {run_id}
    alice.patch(f"/api/runs/{run_id}", json={"name": new, "tags": ["x"]})
    assert (found(alice, old), found(alice, new)) == (set(), {run_id})
    alice.delete(f"/api/runs/{run_id}")
    assert found(alice, said) == found(alice, new) == set()
    alice.post(f"/api/runs/{run_id}/restore")
    assert found(alice, said) == {run_id}
    alice.delete(f"/api/runs/{run_id}")
    alice.delete(f"/api/runs/{run_id}", params={"purge": "true"})
    assert found(alice, said) == set()


def test_a_long_message_is_found_to_its_end(alice: Client) -> None:
    word = new_word()
    run_id = say(alice, f"{'many words here ' * 20_000} the {word} end")
    [hit] = search(alice, f'"the {word} end"')
    assert hit["run"]["id"] == run_id
    assert f"here [the] [{word}] [end]" in " ".join(marked(hit["snippet"]).split())


def test_others_find_nothing(alice: Client, bob: Client) -> None:
    word = new_word()
    say(alice, word, name=word, tags=[word])
    settle(alice)
    for q in (word, f"{word[:6]}*", f'"{word}"', f"tag:{word}"):
        assert found(bob, q) == set()


def test_bad_input(alice: Client) -> None:
    problem(alice.get("/api/search", params={"q": "a\0b"}), 422, "q")
    problem(alice.get("/api/search", params={"q": "a", "sort": "best"}), 422, "sort")
    problem(alice.get("/api/search", params={"q": "a", "cursor": "x"}), 422, "cursor")
    problem(alice.get("/api/search", params={"q": "a", "zone": "Nowhere"}), 422, "zone")
    problem(alice.get("/api/search", params={"q": "a", "limit": 0}), 422, "limit")
    assert get(alice, "/api/search", q="' & | ! <-> :* ()")["items"] == []
    assert get(alice, "/api/search", q="")["items"] == []


def test_the_lag_is_measured(alice: Client) -> None:
    say(alice, new_word())
    settle(alice)
    text = alice.get("/metrics").text
    assert "# TYPE airuns_search_lag_seconds gauge" in text
    assert "airuns_search_waiting " in text
    assert float(text.partition("\nairuns_search_indexed_total ")[2].split()[0]) >= 1
