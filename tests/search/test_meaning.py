"""Search by meaning: what shares no word is found, for its user alone; words need none of it."""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, LiteralString, cast

import httpx
import psycopg
import pytest

from airuns.errors import StartError
from airuns.server import settings
from airuns.server.models import embedding, local
from tests.people import ALICE, BOB
from tests.provider import Failure, Gate, Script, ScriptedProvider
from tests.provider.meanings import REFUSED
from tests.runs.calling import get
from tests.search.finding import add, marked, new_word, say, search
from tests.search.vectors import MODEL, with_vectors
from tests.serving import Served, airuns, free_port, wait_until
from tests.sql import test_catalog as catalog

PATIENCE = 60  # seconds: a server that could not embed waits ever longer before it tries again


@pytest.fixture(scope="module")
def meaning_url(new_database: Callable[[], str]) -> str:
    """A database that knows vectors, for the server of this module."""
    return with_vectors(new_database())


@pytest.fixture(scope="module")
def meaning(folder: Path, meaning_url: str, provider_env: dict[str, str]) -> Generator[Served]:
    """A server that searches by meaning."""
    env = {"AIRUNS_EMBEDDING_MODEL": MODEL, "AIRUNS_PUBLIC_METRICS": "on", **provider_env}
    served = Served(folder / "meaning", AIRUNS_DATABASE_URL=meaning_url, **env)
    yield served
    assert served.stop() == 0, served.output()


@pytest.fixture(scope="module")
def ann(meaning: Served) -> Generator[httpx.Client]:
    """Alice's client of it."""
    with meaning.client(ALICE) as client:
        yield client


@pytest.fixture
def word() -> str:
    """What two words mean: "un" and "re" before it are words that search knows apart."""
    return new_word()


def metric(client: httpx.Client, name: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    return next((float(line.split()[1]) for line in lines if line.split()[0] == name), -1)


def understand(client: httpx.Client) -> None:
    """Wait until the meaning of all that was written is known."""
    search(client, "x")
    wait_until(lambda: metric(client, "airuns_meaning_waiting") == 0, "the meanings", PATIENCE)


def test_what_shares_no_word_is_found_and_marked(ann: httpx.Client, word: str) -> None:
    said = say(ann, f"My un{word} is broken", name="By words")
    meant = say(ann, "Nothing of it here", name="By meaning")
    message = add(ann, meant, f"My re{word} is broken", "assistant")
    far = say(ann, new_word(), name="Far")
    understand(ann)
    hits = {hit["run"]["id"]: hit for hit in search(ann, f"my un{word}")}
    assert list(hits)[:2] == [said, meant]
    assert hits[said]["by"] == "words"
    assert [hits[said]["matches"], hits[meant]["matches"]] == [1, 0]
    assert hits[meant]["by"] == "meaning"
    assert marked(hits[meant]["snippet"]) == f"[My] re{word} is broken"
    assert (hits[meant]["role"], hits[meant]["message_id"]) == ("assistant", message)
    assert hits[meant]["path"].endswith(f"#m-{message}")
    assert list(hits).index(meant) < list(hits).index(far) if far in hits else True


def test_the_page_marks_what_only_its_meaning_found(ann: httpx.Client, word: str) -> None:
    said = say(ann, f"un{word}", tags=[word])
    meant = say(ann, f"re{word}", tags=[word])
    understand(ann)
    for path, ids in (("/ai/runs", {}), ("/ai/runs/rows", {"ids": [said, meant]})):
        asked = {"q": f"un{word} tag:{word}", **ids}
        page = ann.get(path, params=asked)
        rows = page.text.split("data-run-item=")[1:]
        assert [row[1:37] for row in rows] == [said, meant]
        assert ["similar meaning" in row for row in rows] == [False, True]


def test_what_is_asked_for_exactly_has_to_be_there(ann: httpx.Client, word: str) -> None:
    said = say(ann, f"un{word} first")
    say(ann, f"re{word} first")
    understand(ann)
    for query in (f'"un{word} first"', f"un{word}*", f"un{word} -second", f"un{word} role:user"):
        assert [hit["run"]["id"] for hit in search(ann, query)] == [said], query
    by_date = search(ann, f"un{word}", sort="date")
    typed = search(ann, f"un{word}", typing=True)
    assert [hit["run"]["id"] for hit in by_date + typed] == [said, said]


def test_filters_hold_and_few_runs_are_searched_whole(ann: httpx.Client, word: str) -> None:
    tagged = say(ann, f"re{word}", tags=[word])
    say(ann, f"re{word}")
    archived = say(ann, f"re{word}", tags=[word])
    ann.patch(f"/api/runs/{archived}", json={"archived": True})
    deleted = say(ann, f"re{word}", tags=[word])
    ann.delete(f"/api/runs/{deleted}")
    understand(ann)
    assert [hit["run"]["id"] for hit in search(ann, f"un{word} tag:{word}")] == [tagged]


def test_pages_of_both_show_each_run_once(ann: httpx.Client, word: str) -> None:
    for number in range(6):
        say(ann, f"{('un', 're')[number % 2]}{word} {new_word()}", tags=[word])
    understand(ann)
    query = f"un{word} tag:{word}"
    paged = [(hit["run"]["id"], hit["by"]) for hit in search(ann, query, limit=2)]
    assert len(paged) == len(set(paged)) == 6
    assert set(paged) == {(hit["run"]["id"], hit["by"]) for hit in search(ann, query)}


def test_nobody_finds_what_others_meant(meaning: Served, ann: httpx.Client, word: str) -> None:
    say(ann, f"re{word}")
    understand(ann)
    with meaning.client(BOB) as bob:
        mine = say(bob, f"re{word} too")
        understand(bob)
        assert [hit["run"]["id"] for hit in search(bob, f"un{word}")] == [mine]


def test_long_messages_are_known_by_all_their_parts(ann: httpx.Client, word: str) -> None:
    run = say(ann, f"{'filler text ' * 300} re{word} re{word}", tags=[word])
    understand(ann)
    [hit] = search(ann, f"un{word} tag:{word}")
    assert (hit["run"]["id"], hit["by"]) == (run, "meaning")


def test_a_text_that_the_model_refuses_hinders_no_other(ann: httpx.Client, word: str) -> None:
    say(ann, f"{REFUSED} un{word}", f"re{word}", tags=[word])
    understand(ann)
    [hit] = search(ann, f"re{word} tag:{word}")
    assert hit["by"] == "words"
    assert len(search(ann, f"{REFUSED} un{word}")) >= 1


def test_without_the_model_words_are_searched_with_a_notice(
    ann: httpx.Client, provider: ScriptedProvider, word: str
) -> None:
    said = say(ann, f"un{word}", tags=[word])
    understand(ann)
    failures = metric(ann, "airuns_meaning_failures_total")
    failing = Failure(status=503, message="The model rests.")
    provider.script("meaning", Script(failures=(failing,) * 1000))
    try:
        page = get(ann, "/api/search", q=f"un{word} tag:{word}")
        assert [hit["run"]["id"] for hit in page["items"]] == [said]
        assert "does not answer" in page["notices"][0]
        later = say(ann, f"re{word}", tags=[word])
        wait_until(lambda: metric(ann, "airuns_meaning_waiting") > 0, "what waits")
        wait_until(lambda: metric(ann, "airuns_meaning_failures_total") > failures + 1, "a try")
    finally:
        provider.script("meaning", Script())
    understand(ann)
    assert [hit["run"]["id"] for hit in search(ann, f"un{word} tag:{word}")] == [said, later]


def test_a_slow_model_does_not_hold_up_a_search(
    ann: httpx.Client, provider: ScriptedProvider, word: str
) -> None:
    said = say(ann, f"un{word}")
    understand(ann)
    gate = Gate()
    provider.script("meaning", Script(head_gate=gate))
    try:
        for query in (f"un{word}", f"un{word} un{word}"):
            page = get(ann, "/api/search", q=query)
            assert [hit["run"]["id"] for hit in page["items"]] == [said]
            assert "does not answer" in page["notices"][0]
    finally:
        gate.open()
        provider.script("meaning", Script())
    wait_until(lambda: not get(ann, "/api/search", q=f"un{word}")["notices"], "the model")


def test_it_is_off_unless_it_is_asked_for(
    alice: httpx.Client, provider: ScriptedProvider, database_url: str, word: str
) -> None:
    run = say(alice, f"un{word}")
    [hit] = search(alice, f"un{word}")
    assert (hit["run"]["id"], hit["by"]) == (run, "words")
    assert not any(word in str(request.body) for request in provider.requests)
    assert "airuns_meaning" not in alice.get("/metrics").text
    with psycopg.connect(database_url) as connection:
        query = (
            "select to_regclass('airuns.search_meanings'), count(*) from pg_extension"
            " where extname = 'vector'"
        )
        assert connection.execute(query).fetchone() == (None, 0)


def test_a_model_that_cannot_be_had_is_said_at_the_start(
    own_database_url: str, tmp_path: Path
) -> None:
    env = {"AIRUNS_EMBEDDING_MODEL": "mistral/embed", "AIRUNS_DATABASE_URL": own_database_url}
    done = airuns(tmp_path, "serve", "--port", str(free_port()), **env)
    assert done.returncode != 0
    assert "set MISTRAL_API_KEY too" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("meaning", "must be provider/name"),
        ("mistral/", "must be provider/name"),
        ("anthropic/claude", "anthropic has no embeddings"),
        ("/nowhere/model.gguf", "there is no such file"),
    ],
)
def test_models_are_providers_and_names_or_files(tmp_path: Path, model: str, says: str) -> None:
    env = {"AIRUNS_EMBEDDING_MODEL": model, "ANTHROPIC_API_KEY": "k", "MISTRAL_API_KEY": "k"}
    given = settings.load(env, data_dir=tmp_path)
    with pytest.raises(StartError, match=says):
        embedding.chosen(given, local.start_embedding(given))


def test_its_tables_keep_the_rules_of_the_schema(meaning: Served, meaning_url: str) -> None:
    with psycopg.connect(meaning_url) as connection:
        wait_until(lambda: meaning.is_ready() and _has_tables(connection), "the tables", PATIENCE)
        connection.execute("set search_path = ''")
        connection.execute(cast("LiteralString", catalog.SQL["tables"]))
        for rule in catalog.RULES:
            found = connection.execute(cast("LiteralString", catalog.SQL[rule])).fetchall()
            assert found == [], rule


def _has_tables(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("select to_regclass('airuns.search_meanings')").fetchone()
    return row is not None and row[0] is not None
