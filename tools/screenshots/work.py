"""Fills an empty server with the work of a year, told by work.toml, through the public API."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from tests.provider import Failure, Gate, Script, ScriptedProvider, Tokens
from tests.serving import airuns, wait_until

from airuns.server.db import embedded
from airuns.server.db.unprivileged import account

WORK = Path(__file__).with_name("work.toml")
MINUTE = 60

BUDGETS = (
    ("All models", "month", "4.00", False),
    ("This week", "week", "0.60", False),
    ("A day, at most", "day", "0.50", True),
)

# The API gives everything the present as its time: the past is written beside it, without triggers.
SHIFT = """
set session_replication_role = replica;
update airuns.ai_tasks as t
set created_at = n.at, updated_at = n.at + n.total * interval '1 second',
    completed_at = n.at + n.total * interval '1 second',
    time_to_first_token = nullif(n.first, 0), total_time = n.total
from new_times as n where t.task_id = n.task_id;
update airuns.ai_messages as m
set created_at = case when m.task_id = t.task_id then t.completed_at else t.created_at end
from airuns.ai_tasks as t
where t.user_id = m.user_id and t.run_id = m.run_id
    and (m.task_id = t.task_id or m.id = t.request_message_id);
update airuns.ai_runs as r
set created_at = t.first_at, updated_at = t.last_at, last_message_at = t.last_at
from (
    select run_id, min(created_at) as first_at, max(completed_at) as last_at
    from airuns.ai_tasks group by run_id
) as t
where r.id = t.run_id;
update airuns.prompt_versions set created_at = now() - interval '1 year' / version;
update airuns.prompts as p
set created_at = now() - interval '1 year', updated_at = v.at
from (
    select prompt_id, max(created_at) as at from airuns.prompt_versions group by prompt_id
) as v
where p.id = v.prompt_id;
"""


@dataclass
class Filling:
    """What is being filled; `runs` are the ids of runs that have a `key`."""

    client: httpx.Client
    provider: ScriptedProvider
    data_dir: Path
    prompts: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    times: list[tuple[str, float, float, float]] = field(default_factory=list)
    gate: Gate = field(default_factory=Gate)

    def fill(self) -> None:
        """Add everything, and put it where it belongs in time; one answer is left streaming."""
        work = tomllib.loads(WORK.read_text())
        self._settings()
        for prompt in work["prompts"]:
            self._prompt(prompt)
        for run in [*_routine(work["routine"]), *work["runs"]]:
            self._run(run)
        self._shift()
        self._budgets()
        self._stream(work["streaming"])

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.client.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    def _settings(self) -> None:
        self._call("PATCH", "/api/me", {"display_name": "Ida Mertens"})
        for name in ("nightly import", "checkout-bot"):
            self._call("POST", "/api/keys", {"name": name})
        for name, display_name in (("jonas", "Jonas Weiß"), ("amara", "Amara Okonkwo")):
            self._call("POST", "/api/users", {"username": name, "display_name": display_name})
        url = f"{self.provider.url}/v1"
        self._call("PUT", "/api/model-providers/halden-gpu", {"base_url": url, "key": "k"})
        price = {"input": "0.075", "output": "0.30", "cache_read": "0"}
        self._call("PUT", "/api/models/halden-gpu/llama-3.3-70b-instruct/price", price)
        self._call("PUT", "/api/models/openai/gpt-5/price", {"input": "1.10", "output": "9"})
        alias = {
            "model": "halden-gpu/llama-3.3-70b-instruct",
            "fallbacks": ["openai/gpt-5-mini", "anthropic/claude-sonnet-4-5"],
        }
        self._call("PUT", "/api/model-aliases/quick", alias)
        self._call("PUT", "/api/model-aliases/thorough", {"model": "openai/gpt-5"})

    def _prompt(self, prompt: dict[str, Any]) -> None:
        body = {
            "name": prompt["name"],
            "description": prompt["description"],
            "tags": prompt["tags"],
            "settings": prompt["settings"],
            "messages": [{"role": "system", "content": prompt["system"]}],
            "variables": [
                {"name": name, "default": value} for name, value in prompt["defaults"].items()
            ],
        }
        made = self._call("POST", "/api/prompts", body)
        for version, text in enumerate(_rewritten(prompt), 1):
            change = {"messages": [{"role": "system", "content": text}], "version": version}
            self._call("PATCH", f"/api/prompts/{made['id']}", change)
        self.prompts[prompt["name"]] = {"id": made["id"], **prompt}

    def _run(self, run: dict[str, Any]) -> None:
        prompt = self.prompts.get(run.get("prompt", ""))
        model = run.get("model") or (prompt or run)["settings"]["model"]
        body: dict[str, Any] = {
            "name": run["name"][:100],
            "tags": run.get("tags", []),
            "model": model,
        }
        if prompt:
            body |= {"prompt_id": prompt["id"], "variables": _variables(prompt, run)}
        else:
            body |= {"source_type": run["source"], "source_id": run["source"]}
        at = -run["ago"] * MINUTE
        for turn in run["turns"]:
            self._script(model, turn)
            done = self._call(
                "POST",
                "/api/prompt/run",
                body | {"messages": [{"role": "user", "content": turn["user"]}]},
            )
            first, total = turn["seconds"]
            self.times.append((done["task_id"], at, first, total))
            at += total + 6 * MINUTE
            body = {"run_id": done["run_id"]}
        if run.get("starred"):
            self._call("PATCH", f"/api/runs/{body['run_id']}", {"is_starred": True})
        if "key" in run:
            self.runs[run["key"]] = body["run_id"]

    def _script(self, model: str, turn: dict[str, Any]) -> None:
        name = model.partition("/")[2]
        if "error" in turn:
            status, message = turn["error"]
            script = Script(failures=(Failure(status=status, message=message),))
        else:
            given = turn["tokens"]
            usage = Tokens(
                input=given[0], output=given[1], cache_read=given[2] if len(given) > 2 else None
            )
            script = Script(pieces=(turn["answer"].strip(),), usage=usage)
        self.provider.script(name, script)

    def _shift(self) -> None:
        url = embedded.Cluster(self.data_dir, account()).url(embedded.SUPERUSER)
        with psycopg.connect(url) as connection:
            connection.execute(
                "create temporary table new_times"
                " (task_id uuid, at timestamptz, first double precision, total double precision)"
            )
            with connection.cursor() as cursor:
                cursor.executemany(
                    "insert into new_times values (%s, now() + %s * interval '1 second', %s, %s)",
                    self.times,
                )
            connection.execute(SHIFT.encode())
        airuns(self.data_dir, "db", "verify", "--repair")

    def _budgets(self) -> None:
        for name, period, limit, is_hard in BUDGETS:
            body = {"name": name, "period": period, "limit": limit, "is_hard": is_hard}
            self._call("POST", "/api/budgets", body)

    def _stream(self, turn: dict[str, Any]) -> None:
        """Begin the answer that every picture shows half written."""
        shown = tuple(f"{word} " for word in turn["shown"].split(" "))
        pieces = (*shown, turn["rest"])
        script = Script(pieces=pieces, gate=self.gate, usage=Tokens(input=3145, output=118))
        self.provider.script("claude-sonnet-4-5", script)
        messages = [{"role": "user", "content": turn["user"]}]
        body = {"run_id": self.runs[turn["run"]], "messages": messages, "stream": True}
        self.gate.open(len(shown))
        number = len(self.provider.requests)
        with self.client.stream("POST", "/api/prompt/run", json=body) as answer:
            assert answer.is_success, answer.read()
        request = self.provider.request(number)
        wait_until(lambda: request.sent == len(shown), "the half-written answer")


def _rewritten(prompt: dict[str, Any]) -> list[str]:
    """Return the texts of the versions after the first, so that there is something to compare."""
    return [prompt["earlier"], prompt["system"]] if "earlier" in prompt else []


def _variables(prompt: dict[str, Any], run: dict[str, Any]) -> dict[str, str]:
    """Return the run's values, and something for what its prompt also wants."""
    wanted = {"bestellung": "4500-118832", "langue": "l’allemand", "role": "engineer"}
    asked = {name: value for name, value in wanted.items() if f"{{{{{name}}}}}" in prompt["system"]}
    return asked | prompt["defaults"] | run.get("variables", {})


def _routine(routine: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the runs that were much the same each time, oldest first."""
    runs: list[dict[str, Any]] = []
    for one in routine:
        for number in range(one["count"]):
            words = {
                "n": 2026_0400 - number * 3,
                "subject": one["subjects"][number % len(one["subjects"])],
            }
            spread = 1 + (number * 7 % 11) / 10
            turn = {
                "user": one["user"].format(**words),
                "answer": one["answer"].format(**words),
                "tokens": [
                    int(one["tokens"][0] * spread),
                    int(one["tokens"][1] * spread),
                    *one["tokens"][2:],
                ],
                "seconds": [round(0.4 * spread, 2), round(3.1 * spread, 2)],
            }
            if number % 23 == 9:
                turn["error"] = [429, "Rate limit reached: 30,000 tokens a minute"]
            ago = int(one["every"] * (number + 1) * (1 + (number % 5) / 9)) + 400
            runs.append({**one, "name": one["name"].format(**words), "turns": [turn], "ago": ago})
    return sorted(runs, key=lambda run: -run["ago"])
