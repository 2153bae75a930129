"""A prompt from its creation to its history, on a real server."""

from uuid import uuid4

import httpx

from tests.provider import Script, ScriptedProvider
from tests.runs.calling import get
from tests.serving import wait_until

PROMPT = {
    "name": "Greeting",
    "messages": [{"role": "user", "content": "Greet {{name}} in {{language}}."}],
    "variables": [{"name": "language", "default": "German"}],
    "settings": {"model": "openai/greeter"},
}


def test_a_prompt_runs_and_its_history_shows_it(
    alice: httpx.Client, charlie: httpx.Client, provider: ScriptedProvider
) -> None:
    provider.script("greeter", Script(pieces=("Hallo ", "Ada")))
    prompt = alice.post("/api/prompts", json=PROMPT).json()
    result = alice.post(
        "/api/prompt/run",
        json={"prompt_id": prompt["id"], "variables": {"name": "Ada"}, "stream": False},
    ).json()
    assert (result["status"], result["response_text"]) == ("completed", "Hallo Ada")
    history = f"/api/prompts/{prompt['id']}/history"
    [item] = alice.get(history).json()["items"]
    assert item["id"] == result["task_id"]
    assert item["prompt_text"] == "Greet Ada in German."
    assert (item["response"], item["status"]) == ("Hallo Ada", "success")
    assert (item["prompt_version"], item["run_id"]) == (1, result["run_id"])
    assert charlie.get(history).status_code == 404


def test_deleting_the_prompt_takes_the_run_and_restoring_brings_it_back(
    alice: httpx.Client, provider: ScriptedProvider
) -> None:
    provider.script("greeter", Script(pieces=("Hallo",)))
    prompt = alice.post("/api/prompts", json=PROMPT).json()
    body = {"prompt_id": prompt["id"], "variables": {"name": "Ada"}, "stream": False}
    run = f"/api/runs/{alice.post('/api/prompt/run', json=body).json()['run_id']}"
    took = alice.delete(f"/api/prompts/{prompt['id']}").json()
    assert took == {"runs": 1, "messages": 2, "tasks": 1}
    assert alice.get(run).status_code == 404
    assert alice.post("/api/prompt/run", json=body).status_code == 404
    alice.post(f"/api/prompts/{prompt['id']}/restore")
    assert alice.get(run).status_code == 200


def test_a_missing_variable_is_named(alice: httpx.Client) -> None:
    prompt = alice.post("/api/prompts", json=PROMPT).json()
    answer = alice.post("/api/prompt/run", json={"prompt_id": prompt["id"], "stream": False})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "variables.name"


def test_deleting_a_prompt_stops_its_answers_and_keeps_what_came(
    alice: httpx.Client, provider: ScriptedProvider
) -> None:
    provider.script("of-a-prompt", Script(endless=True, delay=0.001))
    body = {"name": "P", "messages": [{"role": "user", "content": "Go on"}]}
    prompt_id = alice.post("/api/prompts", json=body).json()["id"]
    task_id = str(uuid4())
    asked = {"prompt_id": prompt_id, "task_id": task_id, "model": "openai/of-a-prompt"}
    with alice.stream("POST", "/api/prompt/run", json={**asked, "stream": True}):
        wait_until(lambda: get(alice, f"/api/tasks/{task_id}")["status"] == "streaming")
        assert alice.delete(f"/api/prompts/{prompt_id}").status_code == 200
    alice.post(f"/api/prompts/{prompt_id}/restore")
    task = get(alice, f"/api/tasks/{task_id}")
    assert task["status"] == "cancelled"
    assert task["response_text"].startswith("word0 ")
