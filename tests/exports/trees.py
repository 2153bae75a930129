"""Random runs, as the store keeps them: branches, many scripts, tools, files, and every end."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from airuns.server.attachments import store as attachments
from airuns.server.attachments.rules import file_of
from airuns.server.db.door import Database, Transaction
from airuns.server.ids import new_id
from airuns.server.models import store as models
from airuns.server.prompts import store as prompts
from airuns.server.runs import store, tasks, tree
from airuns.server.runs.records import Node, TaskEnd
from airuns.server.runs.rules import turn_of
from tests.attachments.files import PNG
from tests.people import Person

# Of these tests alone: an account that has a model already keeps its own id for it.
MODEL = f"owl-{new_id().hex[-8:]}"

WORDS = st.sampled_from(
    [
        "owl",
        "",
        "=1+1",
        "naïve café",
        "你好世界",
        "مرحبا",
        "Привет",
        "日本語",
        "ไทย",
        "👩‍👩‍👧",
        '"{}[]\\',
        "a\nb\r\n\t",
    ]
)
TEXTS = st.one_of(
    st.lists(WORDS, max_size=4).map(" ".join),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=3)
TOKENS = st.none() | st.integers(0, 10**6)
COSTS = st.none() | st.decimals(0, 10, places=8)

STEPS = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(0, 20),  # below which message, or the root
            "kind": st.sampled_from(["user", "task", "tool", "file", "failed", "unended", "alone"]),
            "text": TEXTS,
            "json": OBJECTS,
            "tokens": st.none() | st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)),
            "cost": COSTS,
            "head": st.booleans(),
        }
    ),
    max_size=8,
)
RUNS = st.fixed_dictionaries(
    {
        "name": TEXTS.map(lambda text: " ".join(text.split())[:100] or "Run"),
        "tags": st.lists(
            WORDS.filter(lambda tag: 0 < len(tag.strip()) <= 50 and "\n" not in tag),
            max_size=2,
            unique=True,
        ),
        "settings": OBJECTS,
        "metadata": OBJECTS,
        "of_prompt": st.booleans(),
        "is_starred": st.booleans(),
        "archived": st.booleans(),
        "status": st.sampled_from([None, "completed", "error"]),
        "steps": STEPS,
    }
)


async def grow(db: Database, person: Person, wanted: dict[str, Any]) -> UUID:
    """Make a run; return its id."""
    run_id = new_id()
    async with db.transaction(person.who) as tx:
        source_id = await _prompt(tx, person.user_id) if wanted["of_prompt"] else None
        new = store.NewRun(
            source_type="prompt" if source_id else "chat",
            source_id=str(source_id) if source_id else None,
            name=wanted["name"],
            prompt_version=1 if source_id else None,
            tags=wanted["tags"],
            settings=wanted["settings"],
            metadata=wanted["metadata"],
        )
        await store.create(tx, person.user_id, new, run_id)
    nodes: list[Node | None] = [None]
    for step in wanted["steps"]:
        async with db.transaction(person.who) as tx:
            node = await _step(tx, person.user_id, run_id, nodes[step["at"] % len(nodes)], step)
            nodes.append(node)
            if step["head"] and node:
                await tree.set_head(tx, person.user_id, run_id, node.id)
    async with db.transaction(person.who) as tx:
        archived = True if wanted["archived"] else None
        change = store.RunChange(
            status=wanted["status"], is_starred=wanted["is_starred"], archived=archived
        )
        await store.change(tx, person.user_id, run_id, change)
    return run_id


async def _prompt(tx: Transaction, user_id: UUID) -> UUID:
    label = prompts.Label(name="Owls {{名}}", tags=["x"])
    content = prompts.Content(
        messages=[{"role": "user", "content": "Say {{name}}"}],
        variables=[],
        settings={"model": "m"},
    )
    return (await prompts.create(tx, user_id, label, content)).id


async def _step(
    tx: Transaction, user_id: UUID, run_id: UUID, parent: Node | None, step: dict[str, Any]
) -> Node | None:
    match step["kind"]:
        case "user":
            message = {"role": "user", "content": step["text"]}
        case "tool":
            call = {
                "id": "1",
                "type": "function",
                "function": {"name": "f", "arguments": step["text"]},
            }
            message = {
                "role": "assistant",
                "content": None,
                "tool_calls": [call],
                "x": step["json"],
            }
        case "file":
            return await _with_file(tx, user_id, run_id, parent, step)
        case _:
            return await _asked(tx, user_id, run_id, parent, step)
    [node] = await tree.append(
        tx, user_id, run_id, parent, [turn_of(message)], metadata=step["json"]
    )
    return node


async def _with_file(
    tx: Transaction, user_id: UUID, run_id: UUID, parent: Node | None, step: dict[str, Any]
) -> Node:
    file = await attachments.add(tx, user_id, file_of("猫.png", "image/png", PNG))
    text = {"type": "text", "text": step["text"]}
    part = {"type": "attachment", "attachment_id": str(file.id)}
    said = {"role": "user", "content": [text, part]}
    named = await attachments.named(tx, user_id, [said], run_id)
    await attachments.claim(tx, user_id, run_id, named)
    [node] = await tree.append(tx, user_id, run_id, parent, [turn_of(named.messages[0])])
    return node


async def _asked(
    tx: Transaction, user_id: UUID, run_id: UUID, parent: Node | None, step: dict[str, Any]
) -> Node | None:
    task_id = new_id()
    is_alone = step["kind"] == "alone"
    model_id = None if is_alone else await models.model_id(tx, user_id, "openai", MODEL)
    new = tasks.NewTask(
        task_id=task_id,
        run_id=run_id,
        request_message_id=parent.id if parent and not is_alone else None,
        provider=None if is_alone else "openai",
        model=None if is_alone else MODEL,
        model_id=model_id,
        request_data={"messages": None, "x": step["json"]},
        request_hash=bytes(32),
    )
    await tasks.create(tx, user_id, new)
    if step["kind"] == "unended":
        return parent
    tokens = step["tokens"] or (None, None)
    failed = step["kind"] == "failed"
    await tasks.end(
        tx,
        user_id,
        task_id,
        TaskEnd(
            status="error" if failed else "completed",
            response_text=step["text"],
            response_errors={"message": step["text"]} if failed else None,
            response_info=step["json"],
            tokens_input=tokens[0],
            tokens_output=tokens[1],
            tokens_total=sum(tokens) if step["tokens"] else None,
            cost=None if step["cost"] is None else Decimal(step["cost"]),
            price={"source": "test", **step["json"]},
            total_time=0.1 + len(step["text"]),
        ),
    )
    answer = await tree.of_task(tx, user_id, run_id, task_id)
    return answer.node if answer else parent


async def user_messages(db: Database, person: Person, count: int, size: int = 0) -> UUID:
    """Make a run with one long line; each message has at least `size` characters."""
    run_id = new_id()
    new = store.NewRun(source_type="chat", source_id=None, name="Long")
    node: Node | None = None
    async with db.transaction(person.who) as tx:
        await store.create(tx, person.user_id, new, run_id)
        for start in range(0, count, 1000):
            numbers = range(start, min(start + 1000, count))
            texts = [f"Message {number} ".ljust(size, "x") for number in numbers]
            turns = [turn_of({"role": "user", "content": text}) for text in texts]
            node = (await tree.append(tx, person.user_id, run_id, node, turns))[-1]
        await tree.set_head(tx, person.user_id, run_id, node.id if node else None)
    return run_id
