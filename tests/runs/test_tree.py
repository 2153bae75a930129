"""The run tree: whatever is appended where, every line is found again."""

from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airuns.errors import NotFound
from airuns.server.db.door import Database
from airuns.server.recorder.rules import recognisable
from airuns.server.recorder.store import recognise
from airuns.server.runs import store, tree
from airuns.server.runs.records import Node
from airuns.server.runs.rules import Turn, chain_hashes
from tests.conftest import Run
from tests.people import ALICE, CHARLIE

turns = st.builds(
    Turn,
    st.sampled_from(["user", "assistant"]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=4),
)
# Where to append (an index into the nodes there are, or the root) and what.
growths = st.lists(
    st.tuples(st.integers(-1, 30), st.lists(turns, min_size=1, max_size=3)), max_size=8
)

NEW = store.NewRun(source_type="chat", source_id=None, name="A run")


async def new_run(db: Database) -> UUID:
    async with db.transaction(ALICE.who) as tx:
        return await store.create(tx, ALICE.user_id, NEW)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(growths)
def test_every_line_comes_back_as_it_was_appended(
    db: Database, run: Run, growth: list[tuple[int, list[Turn]]]
) -> None:
    run(grow_and_check(db, growth))


async def grow_and_check(db: Database, growth: list[tuple[int, list[Turn]]]) -> None:
    run_id = await new_run(db)
    lines: list[tuple[Node, list[Turn]]] = []
    async with db.transaction(ALICE.who) as tx:
        for place, added in growth:
            parent, past = lines[place % len(lines)] if lines and place >= 0 else (None, [])
            nodes = await tree.append(tx, ALICE.user_id, run_id, parent, added)
            for count, node in enumerate(nodes, 1):
                lines.append((node, past + added[:count]))
        for node, line in lines:
            assert await tree.turns(tx, ALICE.user_id, run_id, node.id) == line
            assert node.chain_hash == chain_hashes(None, line)[-1]
            assert node.depth == len(line) - 1
            found, known = await tree.find(
                tx, ALICE.user_id, run_id, [*line, Turn("user", "?!?!?")]
            )
            assert found is not None
            assert (found.chain_hash, known) == (node.chain_hash, len(line))
            window = await tree.window(tx, ALICE.user_id, run_id, node.id, 2)
            assert [turn.content for turn in line[-2:]] == [each.content for each in window]
            assert window[-1].siblings == [
                child.id
                for child in await tree.children(tx, ALICE.user_id, run_id, window[-1].parent_id)
            ]
        stored = await store.get(tx, ALICE.user_id, run_id)
        assert stored.message_count == len(lines)


async def test_an_edited_message_keeps_the_old_line(db: Database) -> None:
    run_id = await new_run(db)
    async with db.transaction(ALICE.who) as tx:
        user = ALICE.user_id
        question, answer = await tree.append(
            tx, user, run_id, None, [Turn("user", "one"), Turn("assistant", "1")]
        )
        await tree.set_head(tx, user, run_id, answer.id)
        [edited] = await tree.append(tx, user, run_id, None, [Turn("user", "two")])
        await tree.set_head(tx, user, run_id, edited.id)
        roots = await tree.children(tx, user, run_id, None)
        assert [root.id for root in roots] == [question.id, edited.id]
        assert await tree.turn_to(tx, user, run_id, question.id) == answer.id
        assert (await store.get(tx, user, run_id)).head_message_id == answer.id


async def test_a_fork_is_a_run_of_its_own_with_the_same_past(db: Database) -> None:
    run_id = await new_run(db)
    async with db.transaction(ALICE.who) as tx:
        user = ALICE.user_id
        nodes = await tree.append(tx, user, run_id, None, [Turn("user", str(n)) for n in range(4)])
        await tree.set_head(tx, user, run_id, nodes[-1].id)
        fork_id = await store.fork(tx, user, run_id, nodes[2].id, "The fork")
        fork = await store.get(tx, user, fork_id)
        assert fork.name == "The fork"
        assert fork.message_count == 3
        assert fork.head_message_id is not None
        line = await tree.turns(tx, user, fork_id, fork.head_message_id)
        assert [turn.content for turn in line] == ["0", "1", "2"]
        assert (await store.get(tx, user, run_id)).message_count == 4


async def test_a_conversation_is_recognised_in_whichever_run_it_is(db: Database) -> None:
    run_id = await new_run(db)
    said = [Turn("user", f"unheard of {run_id}"), Turn("assistant", "indeed")]
    async with db.transaction(ALICE.who) as tx:
        nodes = await tree.append(tx, ALICE.user_id, run_id, None, said)
        turns = [*said, Turn("user", "go on")]
        known_by = recognisable(turns, chain_hashes(None, turns))
        assert known_by[-1] == nodes[-1].chain_hash
        assert await recognise(tx, ALICE.user_id, known_by) == run_id
    async with db.transaction(CHARLIE.who) as tx:
        assert await recognise(tx, CHARLIE.user_id, known_by) is None


async def test_a_parent_of_another_run_is_refused(db: Database) -> None:
    one, other = await new_run(db), await new_run(db)
    async with db.transaction(ALICE.who) as tx:
        [node] = await tree.append(tx, ALICE.user_id, one, None, [Turn("user", "here")])
        with pytest.raises(NotFound):
            await tree.get(tx, ALICE.user_id, other, node.id)
