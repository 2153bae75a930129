"""A model call that fails says why, keeps what came, and can be tried again."""

from collections.abc import Callable

from httpx import Client

from tests.people import ALICE
from tests.provider import Failure, Gate, Script, ScriptedProvider, Tokens
from tests.runs.calling import execute, get, stream, text_of, user
from tests.serving import Served


def test_a_providers_error_keeps_its_message_status_and_request_id(
    alice: Client, provider: ScriptedProvider
) -> None:
    failure = Failure(status=400, message="This model is too small.", code="too_small")
    provider.script("refusing", Script(failures=(failure,)))
    result = execute(alice, messages=[user("hi")], model="openai/refusing")
    assert result["status"] == "error"
    assert result["response_text"] == ""
    assert result["response_errors"] == {
        "code": "too_small",
        "message": "This model is too small.",
        "kind": "provider",
        "status": 400,
        "request_id": "req_failed",
    }
    assert (result["tokens_total"], result["cost"]) == (None, None)
    run = get(alice, f"/api/runs/{result['run_id']}")
    assert run["status"] == "error"
    assert (run["total_tokens"], run["total_cost"]) == (None, None)
    assert [each["role"] for each in run["messages"]] == ["user"]


def test_transient_errors_are_tried_again_before_the_first_token(
    alice: Client, provider: ScriptedProvider
) -> None:
    failures = (Failure(status=429, retry_after="0"), Failure(status=503))
    provider.script("busy", Script(pieces=("done",), failures=failures))
    events = stream(alice, messages=[user("hi")], model="openai/busy")
    assert text_of(events) == "done"
    infos = [each for each in events if each.name == "task.info"]
    assert [each["because"]["status"] for each in infos] == [429, 503]
    task = get(alice, f"/api/tasks/{events[0]['task_id']}")
    assert [each["status"] for each in task["response_metadata"]["failed_attempts"]] == [429, 503]


def test_tries_end(alice: Client, provider: ScriptedProvider) -> None:
    provider.script("down", Script(failures=(Failure(status=500),) * 9))
    result = execute(alice, messages=[user("hi")], model="openai/down")
    assert result["status"] == "error"
    assert len([each for each in provider.requests if each.json["model"] == "down"]) == 3


def test_a_cut_stream_keeps_what_came_and_is_not_tried_again(
    alice: Client, provider: ScriptedProvider
) -> None:
    provider.script("cut-run", Script(pieces=("one ", "two ", "three"), cut_after=2))
    events = stream(alice, messages=[user("hi")], model="openai/cut-run")
    assert events[-1].name == "task.error"
    assert events[-1]["response_text"] == text_of(events) == "one two "
    assert events[-1]["response_errors"]["kind"] == "connection"
    assert events[-1]["usage_estimated"] is True
    assert len([each for each in provider.requests if each.json["model"] == "cut-run"]) == 1
    run = get(alice, f"/api/runs/{events[0]['run_id']}")
    assert run["messages"][-1]["content"] == "one two "
    assert run["messages"][-1]["metadata"] == {"status": "error"}


def test_garbage_is_an_error_and_not_an_answer(alice: Client, provider: ScriptedProvider) -> None:
    provider.script("garbled", Script(pieces=("one ", "two"), garbage_after=1))
    result = execute(alice, messages=[user("hi")], model="openai/garbled")
    assert result["status"] == "error"
    assert result["response_errors"]["kind"] == "protocol"


def test_a_failed_task_is_retried_as_it_was(alice: Client, provider: ScriptedProvider) -> None:
    provider.script("once", Script(pieces=("fine",), failures=(Failure(status=400),)))
    failed = execute(alice, messages=[user("hi")], model="openai/once", settings={"seed": 1})
    retried = alice.post(f"/api/tasks/{failed['task_id']}/retry").json()
    assert (retried["status"], retried["response_text"]) == ("completed", "fine")
    run = get(alice, f"/api/runs/{failed['run_id']}")
    assert (run["status"], run["task_count"]) == ("active", 2)
    assert [each["content"] for each in run["messages"]] == ["hi", "fine"]
    sent = [each.json for each in provider.requests if each.json["model"] == "once"]
    assert sent[0] == sent[1]


def test_limits_end_an_answer_as_a_timeout(
    serve: Callable[..., Served], own_database_url: str, provider: ScriptedProvider
) -> None:
    server = serve(
        AIRUNS_DATABASE_URL=own_database_url,
        AIRUNS_FIRST_TOKEN_TIMEOUT="0.2",
        AIRUNS_TOKEN_TIMEOUT="0.2",
        AIRUNS_TOTAL_TIMEOUT="1",
        AIRUNS_RETRIES="0",
    )
    gate = Gate()
    gate.open(1)
    provider.script("stuck", Script(pieces=("word0 ", "word1 "), gate=gate))
    with server.client(ALICE) as client:
        silent = execute(client, messages=[user("hi")], model="openai/silent")
        slow = execute(client, messages=[user("hi")], model="openai/stuck")
        endless = execute(client, messages=[user("hi")], model="openai/endless:20")
    assert [each["status"] for each in (silent, slow, endless)] == ["timeout"] * 3
    assert silent["response_text"] == ""
    assert slow["response_text"] == "word0 "
    assert endless["response_text"].startswith("word0 word1 ")
    assert "0.2" in silent["response_errors"]["message"]
    assert 0.9 < endless["total_time"] < 3


def test_an_unknown_model_of_the_provider_is_its_error(alice: Client) -> None:
    result = execute(alice, messages=[user("hi")], model="openai/no-such-model")
    assert result["status"] == "error"
    assert "does not exist" in result["response_errors"]["message"]


def test_anthropics_protocol_is_read_as_well(alice: Client, provider: ScriptedProvider) -> None:
    result = execute(
        alice,
        messages=[{"role": "system", "content": "Be kind."}, user("one two")],
        model="anthropic/echo",
    )
    assert result["response_text"] == "one two"
    assert result["tokens_input"] > 0
    sent = provider.requests[-1]
    assert sent.path.endswith("/messages")
    assert "Be kind." in str(sent.json["system"])


def test_a_retry_is_as_it_was_whatever_came_since(
    alice: Client, provider: ScriptedProvider
) -> None:
    first = execute(alice, messages=[user("again, please")], settings={"seed": 1})
    execute(alice, run_id=first["run_id"], messages=[user("hot")], settings={"temperature": 1.9})
    alice.post(f"/api/tasks/{first['task_id']}/retry")
    sent = [each.json for each in provider.requests if each.json["model"] == "echo"][-1]
    assert sent["messages"] == [user("again, please")]
    assert "temperature" not in sent


def test_a_retry_with_another_model_moves_the_run_to_it(alice: Client) -> None:
    first = execute(alice, messages=[user("x")], model="openai/fail:400")
    retry = {"model": "openai/echo"}
    assert alice.post(f"/api/tasks/{first['task_id']}/retry", json=retry).json()["status"] == (
        "completed"
    )
    assert get(alice, f"/api/runs/{first['run_id']}")["settings"]["model"] == "openai/echo"


def test_an_impossible_usage_does_not_lose_the_answer(
    alice: Client, provider: ScriptedProvider
) -> None:
    impossible = Tokens(input=5, output=2, reasoning=9, cache_read=7)
    provider.script("liar", Script(pieces=("the ", "answer"), usage=impossible))
    result = execute(alice, messages=[user("x")], model="openai/liar")
    assert (result["status"], result["response_text"]) == ("completed", "the answer")
    assert get(alice, f"/api/tasks/{result['task_id']}")["status"] == "completed"


def test_a_journal_that_cannot_be_written_costs_no_answer(
    serve: Callable[..., Served], own_database_url: str
) -> None:
    server = serve(AIRUNS_DATABASE_URL=own_database_url)
    [folder] = (server.data_dir / "journal").iterdir()
    folder.rename(folder.with_name("away"))
    with server.client(ALICE) as client:
        result = execute(client, messages=[user("still here")])
        assert (result["status"], result["response_text"]) == ("completed", "still here")
    folder.with_name("away").rename(folder)


def test_what_the_provider_counted_before_a_cut_is_kept(
    alice: Client, provider: ScriptedProvider
) -> None:
    counted = Tokens(input=1000, cache_read=400, cache_write_5m=100)
    provider.script(
        "claude-sonnet-4-5", Script(pieces=("one ", "two ", "three"), usage=counted, cut_after=2)
    )
    result = execute(alice, messages=[user("hi")], model="anthropic/claude-sonnet-4-5")
    assert (result["status"], result["response_text"]) == ("error", "one two ")
    assert (result["tokens_input"], result["tokens_cache_read"]) == (1000, 400)
    assert result["tokens_output"] > 0
    assert result["usage_estimated"] is True
