"""Prompts are saved, read, changed and copied over HTTP."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

HELLO: dict[str, Any] = {
    "name": "Greeting",
    "messages": [
        {"role": "system", "content": "Answer in {{ language }}."},
        {"role": "user", "content": [{"type": "text", "text": "Greet {{name}}."}]},
    ],
    "variables": [{"name": "language", "default": "German", "description": "Any"}],
    "settings": {"model": "local/smollm2-135m", "temperature": 0.0},
    "description": "Says hello",
    "tags": ["demo"],
}


async def created(api: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    response = await api.post("", json={**HELLO, **more})
    assert response.status_code == 201, response.text
    prompt: dict[str, Any] = response.json()
    return prompt


async def test_a_prompt_is_saved_with_the_variables_of_its_texts(api: httpx.AsyncClient) -> None:
    prompt = await created(api)
    assert prompt["version"] == 1
    assert prompt["variables"] == [
        {"name": "language", "default": "German", "required": True, "description": "Any"},
        {"name": "name", "default": None, "required": True, "description": ""},
    ]
    for field in ("name", "messages", "settings", "description", "tags"):
        assert prompt[field] == HELLO[field]
    response = await api.get(f"/{prompt['id']}")
    assert response.json() == prompt
    assert response.headers["etag"] == '"1"'


async def test_a_change_of_content_makes_a_version_and_a_rename_does_not(
    api: httpx.AsyncClient,
) -> None:
    prompt = await created(api)
    url = f"/{prompt['id']}"
    renamed = (await api.patch(url, json={"name": "Hello"})).json()
    assert (renamed["name"], renamed["version"]) == ("Hello", 1)
    same = (await api.patch(url, json={"settings": HELLO["settings"]})).json()
    assert same["version"] == 1
    messages = [{"role": "user", "content": "{{language}}: {{topic}}"}]
    changed = (await api.patch(url, json={"messages": messages})).json()
    assert changed["version"] == 2
    assert [variable["name"] for variable in changed["variables"]] == ["language", "topic"]
    assert changed["variables"][0]["default"] == "German"
    first = (await api.get(url, params={"version": 1})).json()
    assert (first["messages"], first["version"]) == (prompt["messages"], 1)
    versions = (await api.get(f"{url}/versions")).json()
    assert [row["version"] for row in versions["items"]] == [2, 1]
    assert versions["items"][0]["model"] == "local/smollm2-135m"


async def test_put_replaces_the_whole_prompt(api: httpx.AsyncClient) -> None:
    prompt = await created(api)
    body = {"name": "New", "messages": [{"role": "user", "content": "Hi"}]}
    replaced = (await api.put(f"/{prompt['id']}", json=body)).json()
    assert replaced["version"] == 2
    assert (replaced["variables"], replaced["settings"], replaced["tags"]) == ([], {}, [])


@pytest.mark.parametrize("how", ["body", "header"])
async def test_a_change_of_an_older_version_is_refused(api: httpx.AsyncClient, how: str) -> None:
    prompt = await created(api)
    url = f"/{prompt['id']}"
    for wanted, status in ((1, 200), (1, 409), (2, 200)):
        body: dict[str, Any] = {"settings": {"seed": uuid4().int % 1000}}
        headers = {"If-Match": f'"{wanted}"'} if how == "header" else {}
        if how == "body":
            body["version"] = wanted
        response = await api.patch(url, json=body, headers=headers)
        assert response.status_code == status, response.text
    assert (await api.patch(url, json={}, headers={"If-Match": "*"})).status_code == 200
    refused = await api.patch(url, json={}, headers={"If-Match": "x"})
    assert refused.json()["errors"][0]["field"] == "If-Match"


async def test_of_two_changes_at_once_one_is_refused(api: httpx.AsyncClient) -> None:
    prompt = await created(api)
    answers = await asyncio.gather(
        *(
            api.patch(f"/{prompt['id']}", json={"settings": {"seed": seed}, "version": 1})
            for seed in range(5)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]


async def test_a_copy_starts_at_version_1(api: httpx.AsyncClient) -> None:
    prompt = await created(api, name="n" * 200)
    await api.patch(f"/{prompt['id']}", json={"settings": {}})
    response = await api.post(f"/{prompt['id']}/duplicate")
    assert response.status_code == 201
    copy = response.json()
    assert copy["name"] == "n" * 193 + " (copy)"
    assert (copy["version"], copy["settings"], copy["variables"]) == (1, {}, prompt["variables"])
    named = (await api.post(f"/{prompt['id']}/duplicate", json={"name": "Two"})).json()
    assert named["name"] == "Two"


@pytest.mark.parametrize(
    ("more", "field", "message"),
    [
        ({"name": ""}, "name", "length >= 1"),
        ({"name": " "}, "name", "matching regex"),
        ({"name": "a\0"}, "name", "NUL"),
        ({"name": "a" * 201}, "name", "length <= 200"),
        ({"messages": []}, "messages", "length >= 1"),
        ({"messages": [{"role": "robot", "content": ""}]}, "messages[0].role", "must be one of"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content", "Expected"),
        ({"messages": [{"role": "user", "content": "a" * 1001}]}, "messages[0].content", "1000"),
        ({"messages": [{"role": "user", "content": "\0"}]}, "messages[0].content", "NUL"),
        ({"variables": [{"name": "tone"}]}, "variables[0].name", "language, name"),
        ({"variables": [{"name": "1"}]}, "variables[0].name", "matching regex"),
        ({"variables": [{"name": "name", "default": []}]}, "variables[0].default", "Expected"),
        ({"settings": {"stop": ["\0"]}}, "settings.stop[0]", "NUL"),
        ({"tags": [""]}, "tags[0]", "length >= 1"),
        ({"nme": "x"}, "nme", "is not known"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "is missing"),
    ],
)
async def test_a_field_at_fault_is_named(
    api: httpx.AsyncClient, more: dict[str, Any], field: str, message: str
) -> None:
    response = await api.post("", json={**HELLO, **more})
    assert response.status_code == (413 if "1000" in message else 422), response.text
    assert response.headers["content-type"] == "application/problem+json"
    [error] = response.json()["errors"]
    assert error["field"] == field
    assert message in error["message"]


@pytest.mark.parametrize("path", ["", "/versions", "/history", "/deletion"])
async def test_an_id_that_is_no_uuid_is_named(api: httpx.AsyncClient, path: str) -> None:
    response = await api.get(f"/nonsense{path}")
    assert response.status_code == 422
    [error] = response.json()["errors"]
    assert error["field"] == "prompt_id"
    assert "UUID such as" in error["message"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "?version=1", None),
        ("PUT", "", {"name": "x", "messages": HELLO["messages"]}),
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
        ("DELETE", "?purge=true", None),
        ("GET", "/versions", None),
        ("GET", "/history", None),
        ("GET", "/deletion", None),
        ("POST", "/restore", None),
        ("POST", "/duplicate", None),
    ],
)
async def test_a_strangers_prompt_is_one_that_does_not_exist(
    api: httpx.AsyncClient, stranger: httpx.AsyncClient, method: str, path: str, body: Any
) -> None:
    prompt = await created(api)
    unknown = str(uuid4())
    hers = await stranger.request(method, f"/{prompt['id']}{path}", json=body)
    nobodys = await stranger.request(method, f"/{unknown}{path}", json=body)
    assert hers.status_code == nobodys.status_code == 404
    assert hers.text.replace(prompt["id"], unknown) == nobodys.text
    assert (await api.get(f"/{prompt['id']}")).json() == prompt


async def test_a_version_that_does_not_exist_is_named(api: httpx.AsyncClient) -> None:
    prompt = await created(api)
    response = await api.get(f"/{prompt['id']}", params={"version": 2})
    assert response.status_code == 404
    assert response.json()["errors"][0]["field"] == "version"


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"{", 400, "The body could not be read: Input data was truncated"),
        (b'{"name": "\xff"}', 400, "The body is not UTF-8: invalid start byte."),
        (b"[]", 422, "body: Expected `object`, got `array`."),
        (b"", 422, "body: is missing."),
        (b'{"name": "x"}', 422, "messages: is missing."),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(
    api: httpx.AsyncClient, body: bytes, status: int, detail: str
) -> None:
    headers = {"content-type": "application/json"}
    response = await api.post("", content=body, headers=headers)
    assert (response.status_code, response.json()["detail"]) == (status, detail)


@pytest.mark.parametrize("default", ["3", "true", "", 3, 0.5, True])
async def test_a_default_keeps_its_type(api: httpx.AsyncClient, default: Any) -> None:
    prompt = await created(api, variables=[{"name": "name", "default": default}])
    kept = prompt["variables"][1]["default"]
    assert (type(kept), kept) == (type(default), default)
