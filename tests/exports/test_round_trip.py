"""An archive loses nothing: export, import and export again give the same bytes."""

from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airuns.server.db.door import Database
from airuns.server.runs import store
from tests.conftest import Run
from tests.exports import trees
from tests.exports.taking import brought, lines_of, taken
from tests.people import ALICE, BOB

ENDED = trees.RUNS.map(
    lambda run: {
        **run,
        "steps": [
            {**step, "kind": "task" if step["kind"] == "unended" else step["kind"]}
            for step in run["steps"]
        ],
    }
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(wanted=st.lists(ENDED, min_size=1, max_size=3))
def test_export_import_export_is_identical(
    db: Database, run: Run, wanted: list[dict[str, Any]]
) -> None:
    async def round_trip() -> None:
        run_ids = [await trees.grow(db, ALICE, each) for each in wanted]
        archive = await taken(db, ALICE.who, run_ids)
        msgspec.json.decode(archive)  # any parser reads it
        report = await brought(db, BOB.who, archive)
        assert (report.added["run"], report.refused) == (len(run_ids), {}), report.reasons
        assert lines_of(await taken(db, BOB.who, run_ids)) == lines_of(archive)
        async with db.transaction(ALICE.who) as mine, db.transaction(BOB.who) as theirs:
            for run_id in run_ids:
                original = await store.get(mine, ALICE.user_id, run_id)
                assert await store.get(theirs, BOB.user_id, run_id) == original
        again = await brought(db, BOB.who, archive)
        assert (again.added, again.there["run"], again.refused) == ({}, len(run_ids), {})

    run(round_trip())
