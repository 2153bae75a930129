"""POST /api/prompt/run: prompts and messages are run, kept, and gone on with."""

import hashlib
from decimal import Decimal
from uuid import uuid4

from httpx import Client

from tests.provider import ScriptedProvider
from tests.provider.script import Script, Tokens, Tool
from tests.runs.calling import execute, get, stream, text_of, user


def new_prompt(client: Client, **body: object) -> dict[str, object]:
    body = {
        "name": "Greeter",
        "messages": [
            {"role": "system", "content": "Be {{mood}}."},
            {"role": "user", "content": "Greet {{name}} and {{name}}!"},
        ],
        **body,
    }
    answer = client.post("/api/prompts", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_prompt_runs_with_its_variables_and_everything_is_kept(alice: Client) -> None:
    prompt = new_prompt(
        alice, variables=[{"name": "mood", "default": "kind"}], settings={"temperature": 0}
    )
    result = execute(alice, prompt_id=prompt["id"], variables={"name": "Ada"})
    assert result["status"] == "completed"
    assert result["response_text"] == "Greet Ada and Ada!"
    assert result["model"] == "openai/echo"
    assert result["tokens_total"] == result["tokens_input"] + result["tokens_output"]
    assert 0 < result["time_to_first_token"] <= result["total_time"]
    assert result["response_errors"] is None

    run = get(alice, f"/api/runs/{result['run_id']}")
    assert [(each["role"], each["content"]) for each in run["messages"]] == [
        ("system", "Be kind."),
        ("user", "Greet Ada and Ada!"),
        ("assistant", "Greet Ada and Ada!"),
    ]
    assert run["messages"][2]["task_id"] == result["task_id"]
    assert run["name"] == "Greet Ada and Ada!"
    assert (run["source_type"], run["source_id"]) == ("prompt", prompt["id"])
    assert run["variable_values"] == {"mood": "kind", "name": "Ada"}
    assert run["settings"] == {"temperature": 0, "model": "openai/echo"}
    assert (run["message_count"], run["task_count"], run["status"]) == (3, 1, "active")
    assert run["total_tokens"] == result["tokens_total"]
    assert run["prompt_version"] == 1

    task = get(alice, f"/api/tasks/{result['task_id']}")
    assert (task["provider"], task["model"], task["status"]) == ("openai", "echo", "completed")
    assert task["response_text"] == result["response_text"]
    assert task["completed_at"] >= task["created_at"]


def test_a_run_goes_on_with_its_model_and_settings(
    alice: Client, provider: ScriptedProvider
) -> None:
    first = execute(alice, messages=[user("one")], settings={"temperature": 0.5})
    second = execute(alice, model=None, run_id=first["run_id"], messages=[user("two")])
    assert second["run_id"] == first["run_id"]
    assert second["response_text"] == "two"
    run = get(alice, f"/api/runs/{first['run_id']}")
    assert [each["content"] for each in run["messages"]] == ["one", "one", "two", "two"]
    sent = next(each.json for each in reversed(provider.requests) if each.json["model"] == "echo")
    assert [each["content"] for each in sent["messages"]] == ["one", "one", "two"]
    assert sent["temperature"] == 0.5
    assert run["total_tokens"] == first["tokens_total"] + second["tokens_total"]


def test_the_model_and_settings_can_change_between_turns(alice: Client) -> None:
    first = execute(alice, messages=[user("one")])
    execute(
        alice,
        run_id=first["run_id"],
        messages=[user("two")],
        model="anthropic/echo",
        settings={"max_tokens": 7},
    )
    run = get(alice, f"/api/runs/{first['run_id']}")
    assert run["settings"] == {"model": "anthropic/echo", "max_tokens": 7}


def test_a_stream_tells_what_happens_as_it_happens(alice: Client) -> None:
    events = stream(alice, messages=[user("a b c")])
    assert events[0].name == "task.started"
    assert events[0]["run_id"]
    assert events[-1].name == "task.completed"
    assert text_of(events) == "a b c" == events[-1]["response_text"]
    assert events[-1].offset == len("a b c")
    assert {each["task_id"] for each in events} == {events[0]["task_id"]}


def test_an_untracked_run_leaves_no_trace(alice: Client) -> None:
    before = get(alice, "/api/runs")["items"]
    result = execute(alice, messages=[user("secret")], track=False)
    assert result["response_text"] == "secret"
    assert result["run_id"] is None
    assert get(alice, "/api/runs")["items"] == before
    assert alice.get(f"/api/tasks/{result['task_id']}").status_code == 404


def test_sending_a_task_id_again_returns_the_same_task(alice: Client) -> None:
    task_id = str(uuid4())
    first = execute(alice, messages=[user("once")], task_id=task_id)
    again = execute(alice, messages=[user("once")], task_id=task_id)
    assert first["task_id"] == again["task_id"] == task_id
    assert again["run_id"] == first["run_id"]
    assert again["response_text"] == "once"
    assert get(alice, f"/api/runs/{first['run_id']}")["task_count"] == 1


def test_two_people_may_choose_the_same_task_id(alice: Client, bob: Client) -> None:
    task_id = str(uuid4())
    execute(alice, messages=[user("Alice's")], task_id=task_id)
    result = execute(bob, messages=[user("Bob's")], task_id=task_id)
    assert result["response_text"] == "Bob's"


def test_editing_a_message_branches_and_keeps_the_old_line(alice: Client) -> None:
    first = execute(alice, messages=[{"role": "system", "content": "s"}, user("old")])
    run = get(alice, f"/api/runs/{first['run_id']}")
    edited = execute(
        alice,
        run_id=run["id"],
        parent_id=run["messages"][1]["parent_id"],
        messages=[user("new")],
    )
    now = get(alice, f"/api/runs/{run['id']}")
    assert [each["content"] for each in now["messages"]] == ["s", "new", "new"]
    assert len(now["messages"][1]["versions"]) == 2
    old = alice.patch(
        f"/api/runs/{run['id']}", json={"head_message_id": run["messages"][1]["id"]}
    ).json()
    assert [each["content"] for each in old["messages"]] == ["s", "old", "old"]
    assert edited["run_id"] == run["id"]


def test_regenerating_adds_a_sibling_answer(alice: Client) -> None:
    first = execute(alice, messages=[user("again")])
    answer = alice.post(f"/api/tasks/{first['task_id']}/retry", json={"settings": {"seed": 2}})
    assert answer.status_code == 200, answer.text
    run = get(alice, f"/api/runs/{first['run_id']}")
    assert [each["content"] for each in run["messages"]] == ["again", "again"]
    assert len(run["messages"][1]["versions"]) == 2
    assert run["messages"][1]["task_id"] == answer.json()["task_id"]
    assert run["settings"].get("seed") is None


def test_the_request_is_rebuilt_to_the_byte(alice: Client) -> None:
    first = execute(alice, messages=[user("häß 😀")], settings={"stop": ["\n"], "top_p": 0.5})
    second = execute(alice, run_id=first["run_id"], messages=[user("more")])
    for result in (first, second):
        answer = alice.get(f"/api/tasks/{result['task_id']}/request")
        task = get(alice, f"/api/tasks/{result['task_id']}")
        assert hashlib.sha256(answer.content).hexdigest() == task["request_hash"]
    assert answer.json() == {
        "model": "openai/echo",
        "messages": [
            user("häß 😀"),
            {"role": "assistant", "content": "häß 😀"},
            user("more"),
        ],
        "stop": ["\n"],
        "top_p": 0.5,
    }


def test_tool_calls_are_kept_and_sent_again(alice: Client, provider: ScriptedProvider) -> None:
    tool = Tool(id="call_1", name="weather", arguments=('{"city":', '"Rome"}'))
    provider.script("tools", Script(pieces=(), tools=(tool,)))
    events = stream(alice, messages=[user("Weather?")], model="openai/tools")
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city":"Rome"}'},
    }
    assert [each["tool_call"] for each in events if each.name == "task.tool"] == [call]
    run_id = events[0]["run_id"]
    execute(
        alice,
        run_id=run_id,
        messages=[{"role": "tool", "tool_call_id": "call_1", "content": "sunny"}],
    )
    run = get(alice, f"/api/runs/{run_id}")
    assert run["messages"][1]["tool_calls"] == [call]
    assert run["messages"][2]["tool_call_id"] == "call_1"
    sent = provider.requests[-1].json["messages"]
    assert sent[1]["tool_calls"] == [call]


def test_costs_come_from_disjoint_buckets_and_the_price_is_frozen(
    alice: Client, provider: ScriptedProvider
) -> None:
    provider.script(
        "gpt-4o", Script(pieces=("x",), usage=Tokens(input=1000, output=100, cache_read=400))
    )
    result = execute(alice, messages=[user("hi")], model="openai/gpt-4o")
    # gpt-4o, USD per million tokens: 2.50 input, 1.25 cached input, 10 output
    assert Decimal(result["cost"]) == Decimal("0.0015") + Decimal("0.0005") + Decimal("0.001")
    task = get(alice, f"/api/tasks/{result['task_id']}")
    assert (task["tokens_input"], task["tokens_cache_read"]) == (1000, 400)
    assert task["price"]["source"] == "genai-prices"
    run = get(alice, f"/api/runs/{result['run_id']}")
    assert Decimal(run["total_cost"]) == Decimal(result["cost"])


def test_an_unknown_price_is_null_and_a_zero_is_zero(
    alice: Client, provider: ScriptedProvider
) -> None:
    provider.script("nothing", Script(pieces=("x",), usage=Tokens(input=0, output=0)))
    result = execute(alice, messages=[user("hi")], model="openai/nothing")
    assert result["cost"] is None
    assert (result["tokens_input"], result["tokens_output"], result["tokens_total"]) == (0, 0, 0)
    assert get(alice, f"/api/runs/{result['run_id']}")["total_cost"] is None


def test_the_users_own_price_wins(alice: Client) -> None:
    price = {"input": "500000", "output": "1000000"}
    answer = alice.put("/api/models/openai/text:3/price", json=price)
    assert answer.status_code < 300, answer.text
    result = execute(alice, messages=[user("hi")], model="openai/text:3")
    expected = Decimal(result["tokens_input"]) / 2 + result["tokens_output"]
    assert Decimal(result["cost"]) == expected


def test_missing_usage_is_estimated_and_says_so(alice: Client, provider: ScriptedProvider) -> None:
    provider.script("silent-usage", Script(pieces=("some ", "words"), usage=None))
    result = execute(alice, messages=[user("hello there")], model="openai/silent-usage")
    assert result["usage_estimated"] is True
    assert result["tokens_input"] > 0
    assert result["tokens_output"] > 0
