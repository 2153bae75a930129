"""Signing in and out with a browser."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from tests.accounts.browsing import PASSWORD, form_token, page_token, sign_in, submit
from tests.serving import Served, airuns, wait_until

NewUser = Callable[[], str]


def test_a_password_signs_in_and_out(browser: httpx.Client, new_user: NewUser) -> None:
    name = new_user()
    done = sign_in(browser, name)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    cookie = done.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie

    home = browser.get("/")
    assert (home.status_code, home.headers["location"]) == (303, "/ai/runs")
    page = browser.get("/settings").text
    assert f"account of {name}" in page
    token = browser.cookies["airuns_session"]
    out = browser.post("/sign-out", data={"csrf_token": form_token(page)})
    assert out.headers["location"] == "/sign-in"
    browser.cookies.set("airuns_session", token)
    assert browser.get("/api/me").status_code == 401


def test_pages_send_strangers_to_sign_in_and_back(browser: httpx.Client, new_user: NewUser) -> None:
    turned = browser.get("/?a=1&b=2", headers={"Accept": "text/html"})
    assert (turned.status_code, turned.headers["location"]) == (
        303,
        "/sign-in?next=%2F%3Fa%3D1%26b%3D2",
    )
    page = browser.get(turned.headers["location"])
    assert 'name="next" value="/?a=1&amp;b=2"' in page.text
    fields = {"username": new_user(), "password": PASSWORD, "next": "/?a=1&b=2"}
    assert submit(browser, "/sign-in", **fields).headers["location"] == "/?a=1&b=2"


@pytest.mark.parametrize("target", ["https://evil.test/", "//evil.test", "/\\evil.test", "evil"])
def test_nobody_is_sent_to_another_site(
    browser: httpx.Client, new_user: NewUser, target: str
) -> None:
    fields = {"username": new_user(), "password": PASSWORD, "next": target}
    assert submit(browser, "/sign-in", **fields).headers["location"] == "/"
    assert "evil" not in browser.get("/sign-in", params={"next": target}).text


@pytest.mark.parametrize("who", ["alice", "nobody"])
def test_wrong_and_unknown_read_the_same(browser: httpx.Client, who: str) -> None:
    refused = sign_in(browser, who, "wrong password")
    assert refused.status_code == 401
    assert "The user name or the password is not right." in refused.text
    assert f'value="{who}"' in refused.text
    assert "wrong password" not in refused.text
    assert "airuns_session" not in browser.cookies


def test_a_form_of_another_site_signs_nobody_in(browser: httpx.Client, new_user: NewUser) -> None:
    fields = {"username": new_user(), "password": PASSWORD}
    assert browser.post("/sign-in", data=fields).status_code == 403
    token = form_token(browser.get("/sign-in").text)
    for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
        refused = browser.post("/sign-in", data={**fields, "csrf_token": token}, headers=headers)
        assert refused.status_code == 403
        assert "another site" in refused.text
    assert "airuns_session" not in browser.cookies


def test_a_session_changes_things_only_from_our_pages(
    browser: httpx.Client, new_user: NewUser
) -> None:
    sign_in(browser, new_user())
    token = page_token(browser)

    def ask(**headers: str) -> int:
        return browser.post("/api/keys", json={"name": "k"}, headers=headers).status_code

    assert ask() == 403
    assert ask(**{"X-CSRF-Token": "guess"}) == 403
    assert ask(**token, Origin="https://evil.test") == 403
    assert ask(**token, Origin="null") == 403
    assert ask(**token) == 201
    assert ask(**token, Origin=str(browser.base_url).rstrip("/")) == 201


def test_a_link_signs_in_once_and_looking_does_not_use_it(
    browser: httpx.Client, alice: httpx.Client
) -> None:
    made = alice.post("/api/users", json={"username": "linda"}).json()
    path = httpx.URL(made["sign_in_link"]).path
    for _ in range(3):
        assert "signs you in once" in browser.get(path).text
    done = submit(browser, path)
    assert (done.status_code, done.headers["location"]) == (303, "/welcome")
    assert browser.get("/api/me").json()["username"] == "linda"

    gone = browser.get(path)
    assert gone.status_code == 401
    assert "has been used, or is older than 24 hours" in gone.text
    assert "airuns user link NAME" in gone.text
    token = form_token(browser.get("/sign-in").text)
    assert browser.post(path, data={"csrf_token": token}).status_code == 401


def test_of_two_that_use_a_link_at_once_one_gets_in(server: Served, alice: httpx.Client) -> None:
    made = alice.post("/api/users", json={"username": "race"}).json()
    path = httpx.URL(made["sign_in_link"]).path
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(submit_anew, [server] * 8, [path] * 8))
    assert sorted(codes) == [303] + [401] * 7


def submit_anew(server: Served, path: str) -> int:
    with server.client() as client:
        token = form_token(client.get("/sign-in").text)
        return client.post(path, data={"csrf_token": token}).status_code


def test_an_old_link_is_refused(
    browser: httpx.Client, alice: httpx.Client, database_url: str
) -> None:
    made = alice.post("/api/users", json={"username": "late"}).json()
    path = httpx.URL(made["sign_in_link"]).path
    with psycopg.connect(database_url) as connection:
        connection.execute("set local role airuns_service")
        connection.execute(
            "update airuns.sign_in_links set expires_at = now() where user_id = %s",
            [made["user"]["id"]],
        )
    assert browser.get(path).status_code == 401


def test_a_session_ends_when_its_time_is_up(
    browser: httpx.Client, new_user: NewUser, database_url: str
) -> None:
    name = new_user()
    sign_in(browser, name)
    with psycopg.connect(database_url) as connection:
        connection.execute("set local role airuns_service")
        connection.execute(
            "update airuns.sessions set expires_at = now() where user_id ="
            " (select id from airuns.users where username = %s)",
            [name],
        )
    assert browser.get("/api/me").status_code == 401


def test_guessing_is_slowed_down(serve: Callable[..., Served], own_database_url: str) -> None:
    served = serve(AIRUNS_DATABASE_URL=own_database_url, AIRUNS_LOGIN_ATTEMPTS=3)
    with served.client() as browser:
        for name in ("alice", "bob", "charlie"):
            assert sign_in(browser, name, "guess").status_code == 401
        refused = sign_in(browser, "zoe", "guess")
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 900
        assert "Too many failed sign-ins" in refused.text
        spoofed = {"X-Forwarded-For": "203.0.113.9"}
        form = {"csrf_token": form_token(browser.get("/sign-in").text)}
        form |= {"username": "zoe", "password": "guess"}
        assert browser.post("/sign-in", data=form, headers=spoofed).status_code == 429


def test_a_name_is_guarded_whatever_address_guesses(
    serve: Callable[..., Served], own_database_url: str
) -> None:
    served = serve(AIRUNS_DATABASE_URL=own_database_url, AIRUNS_LOGIN_ATTEMPTS=2)
    with served.client() as browser, psycopg.connect(own_database_url) as connection:
        for _ in range(2):
            assert sign_in(browser, "alice", "guess").status_code == 401
        connection.execute("set local role airuns_service")
        connection.execute("delete from airuns.login_failures where subject like 'address %'")
        connection.commit()
        assert sign_in(browser, "alice", "guess").status_code == 429
        assert sign_in(browser, "bob", "guess").status_code == 401


def test_signing_in_rightly_is_not_counted(
    serve: Callable[..., Served], own_database_url: str
) -> None:
    served = serve(AIRUNS_DATABASE_URL=own_database_url, AIRUNS_LOGIN_ATTEMPTS=2)
    added = airuns(
        served.data_dir,
        "user",
        "add",
        "dora",
        "--password",
        stdin=f"{PASSWORD}\n{PASSWORD}\n",
        AIRUNS_DATABASE_URL=own_database_url,
    )
    assert added.returncode == 0, added.stderr
    for _ in range(4):
        with served.client() as browser:
            assert sign_in(browser, "dora").status_code == 303


def test_behind_https_the_cookies_are_secure(
    serve: Callable[..., Served], own_database_url: str
) -> None:
    served = serve(AIRUNS_DATABASE_URL=own_database_url, AIRUNS_PUBLIC_URL="https://runs.test")
    with served.client() as browser:
        page = browser.get("/sign-in")
        assert "Secure" in page.headers["set-cookie"]
        link = airuns(
            served.data_dir,
            "user",
            "link",
            "alice",
            AIRUNS_DATABASE_URL=own_database_url,
            AIRUNS_PUBLIC_URL="https://runs.test",
        ).stdout.strip()
        assert link.startswith("https://runs.test/sign-in/")
        form = {"csrf_token": form_token(page.text)}
        cookie = page.headers["set-cookie"].partition(";")[0]
        headers = {"Cookie": cookie, "Origin": "https://runs.test"}
        done = browser.post(httpx.URL(link).path, data=form, headers=headers)
        assert done.status_code == 303
        assert "Secure" in done.headers["set-cookie"]


def test_a_password_change_ends_other_sessions(server: Served, new_user: NewUser) -> None:
    name = new_user()
    with server.client() as here, server.client() as there:
        sign_in(here, name)
        sign_in(there, name)
        assert there.get("/api/me").status_code == 200
        token = page_token(here)
        change = {"current_password": "wrong", "new_password": "another password"}
        refused = here.put("/api/me/password", json=change, headers=token)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (
            422,
            "current_password",
        )
        change["current_password"] = PASSWORD
        short = here.put("/api/me/password", json=change | {"new_password": "x"}, headers=token)
        assert (short.status_code, short.json()["errors"][0]["field"]) == (422, "new_password")
        assert here.put("/api/me/password", json=change, headers=token).status_code == 204
        assert there.get("/api/me").status_code == 401
        assert here.get("/api/me").status_code == 200
        assert sign_in(there, name, "another password").status_code == 303


def test_sessions_can_be_listed_and_ended(server: Served, new_user: NewUser) -> None:
    name = new_user()
    with server.client() as here, server.client() as there:
        sign_in(here, name)
        sign_in(there, name)
        mine = here.get("/api/me").json()["session_id"]
        listed = here.get("/api/sessions").json()["items"]
        other = next(row["id"] for row in listed if row["id"] != mine)
        token = page_token(here)
        assert here.delete(f"/api/sessions/{other}", headers=token).status_code == 204
        assert there.get("/api/me").status_code == 401
        assert here.delete(f"/api/sessions/{other}", headers=token).status_code == 404


def test_a_deactivated_user_is_out_at_once(
    server: Served, alice: httpx.Client, new_user: NewUser
) -> None:
    name = new_user()
    with server.client() as browser:
        sign_in(browser, name)
        user_id = browser.get("/api/me").json()["id"]
        out = alice.patch(f"/api/users/{user_id}", json={"is_active": False})
        assert out.json()["is_active"] is False
        assert browser.get("/api/me").status_code == 401
        assert sign_in(browser, name).status_code == 401
        alice.patch(f"/api/users/{user_id}", json={"is_active": True})
        assert sign_in(browser, name).status_code == 303


def test_no_secret_is_logged(server: Served, browser: httpx.Client, new_user: NewUser) -> None:
    sign_in(browser, new_user())
    browser.get("/sign-in/a-token-that-is-wrong")
    browser.get("/api/me", headers={"Authorization": "Bearer air_a-key-that-is-wrong"})
    wait_until(lambda: browser.get("/readyz").status_code == 200)
    said = server.output()
    for secret in (PASSWORD, browser.cookies["airuns_session"], "that-is-wrong"):
        assert secret not in said
