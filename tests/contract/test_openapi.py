"""The API does what its OpenAPI document says, whatever is sent (schemathesis)."""

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from tests.people import ALICE
from tests.serving import Served

if TYPE_CHECKING:  # it takes long to import, so only the worker that has these tests does
    from schemathesis import BaseSchema, Case

# Streams, calls that wait for a model, and pages are tested by hand; the keys and the old runs
# are the tests' own.
LEFT_OUT = re.compile(
    r"/events$|/retry$|/prompt/run$|/test$|/sign-|^/$|^/docs|/password$|/users|/retention$|/trash/"
)


@pytest.fixture(scope="module")
def schema(server: Served) -> "BaseSchema":
    import schemathesis

    return schemathesis.openapi.from_url(f"{server.url}/docs/openapi.json")


def test_every_answer_is_one_that_the_document_allows(schema: "BaseSchema") -> None:
    from schemathesis.core.result import Ok

    operations = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    tried = [each for each in operations if not LEFT_OUT.search(each.path)]
    assert len(tried) > 30
    for operation in tried:

        @settings(
            max_examples=5, database=None, deadline=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def check(case: "Case") -> None:
            answer = case.call(headers=ALICE.headers)
            assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.text}"
            if answer.status_code >= 400:
                assert answer.headers["content-type"][0] == "application/problem+json"

        check()


def test_the_document_names_what_others_build_on(schema: "BaseSchema") -> None:
    for path in (
        "/api/prompts",
        "/api/prompts/{prompt_id}/history",
        "/api/prompt/run",
        "/api/runs/{run_id}",
        "/api/tasks/{task_id}/events",
        "/api/models",
    ):
        assert path in schema.raw_schema["paths"]
