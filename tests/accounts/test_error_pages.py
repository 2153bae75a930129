"""What a browser shows when something is wrong, and what a program gets."""

import httpx

PAGE = {"Accept": "text/html,application/xhtml+xml"}


def test_a_page_that_is_not_there_says_so(alice: httpx.Client) -> None:
    answer = alice.get("/ai/nowhere", headers=PAGE)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "There is nothing at /ai/nowhere" in answer.text
    assert 'href="/ai/runs"' in answer.text


def test_the_api_answers_with_json_whatever_is_accepted(alice: httpx.Client) -> None:
    for path in ("/api/nowhere", "/api/runs/00000000-0000-7000-8000-000000000000"):
        answer = alice.get(path, headers=PAGE)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_part_that_is_not_there_is_a_problem_for_the_script(alice: httpx.Client) -> None:
    answer = alice.get("/ai/nowhere", headers={**PAGE, "HX-Request": "true"})
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_is_asked_for_is_shown_as_text(alice: httpx.Client) -> None:
    page = alice.get("/ai/<script>alert(1)</script>", headers=PAGE).text
    assert "<script>alert" not in page
