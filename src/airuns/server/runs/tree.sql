-- The run tree. Each statement names the user in every term, as a cluster asks.

-- name: run_lock
-- Locked, because what follows moves its head: two writers of one run take turns.
-- No join here: who has waited for the lock would see the new row beside what it joined before.
select id, prompt_id, settings, variable_values, head_message_id
from airuns.ai_runs
where user_id = %(user_id)s and id = %(run_id)s and deleted_at is null
for no key update

-- name: run_set_head
update airuns.ai_runs
set head_message_id = %(message_id)s
where user_id = %(user_id)s and id = %(run_id)s

-- name: run_advance_head
-- An answer moves the head only if nobody has moved it elsewhere since the question.
update airuns.ai_runs
set head_message_id = %(message_id)s
where user_id = %(user_id)s and id = %(run_id)s and head_message_id is not distinct from %(from_id)s

-- name: message_get
select id, run_id, parent_id, depth, role, content, data, chain_hash, task_id, metadata, created_at
from airuns.ai_messages
where user_id = %(user_id)s and run_id = %(run_id)s and id = %(message_id)s

-- name: message_insert
-- One statement for all new turns, parents before children.
insert into airuns.ai_messages (user_id, id, run_id, parent_id, depth, role, content, data, chain_hash,
    task_id, metadata, added)
select %(user_id)s, t.id, %(run_id)s, t.parent_id, t.depth, t.role, t.content, t.data::json, t.chain_hash,
    %(task_id)s, t.metadata::json, t.added
from unnest(%(ids)s::uuid[], %(parent_ids)s::uuid[], %(depths)s::integer[], %(roles)s::text[],
    %(contents)s::text[], %(datas)s::text[], %(hashes)s::bytea[], %(metadatas)s::text[], %(added)s::integer[])
    as t (id, parent_id, depth, role, content, data, chain_hash, metadata, added)
returning id, depth, created_at

-- name: line_turns
-- The line that ends at a message, as sent to a model: every turn, nothing else. Each step up is one
-- look-up by the key: the limit keeps the planner from joining all of the user's messages at once.
with recursive line as (
    select m.parent_id, m.depth, m.role, m.content, m.data
    from airuns.ai_messages as m
    where m.user_id = %(user_id)s and m.run_id = %(run_id)s and m.id = %(message_id)s
    union all
    select m.parent_id, m.depth, m.role, m.content, m.data
    from line as l
    cross join lateral (
        select p.parent_id, p.depth, p.role, p.content, p.data
        from airuns.ai_messages as p
        where p.user_id = %(user_id)s and p.id = l.parent_id
        limit 1
    ) as m
)
select role, content, data from line order by depth

-- name: line_window
-- The last messages of the line that ends at a message: a walk of `limit` steps up, whatever its length.
-- Siblings are the children of the same parent, oldest first: the versions of an edited message.
with recursive line as (
    select m.id, m.parent_id, m.depth, m.role, m.content, m.data, m.task_id, m.metadata, m.created_at, 1 as step
    from airuns.ai_messages as m
    where m.user_id = %(user_id)s and m.run_id = %(run_id)s and m.id = %(message_id)s
    union all
    select m.id, m.parent_id, m.depth, m.role, m.content, m.data, m.task_id, m.metadata, m.created_at, l.step + 1
    from line as l
    cross join lateral (
        select p.id, p.parent_id, p.depth, p.role, p.content, p.data, p.task_id, p.metadata, p.created_at
        from airuns.ai_messages as p
        where p.user_id = %(user_id)s and p.id = l.parent_id
        limit 1
    ) as m
    where l.step < %(limit)s
)
select l.id, l.parent_id, l.depth, l.role, l.content, l.data, l.task_id, l.metadata, l.created_at, s.ids as siblings
from line as l
cross join lateral (
    select array_agg(a.id order by a.id) as ids
    from (
        select c.id
        from airuns.ai_messages as c
        where c.user_id = %(user_id)s and c.run_id = %(run_id)s and c.parent_id = l.parent_id
        union all
        select c.id
        from airuns.ai_messages as c
        where c.user_id = %(user_id)s and c.run_id = %(run_id)s and c.parent_id is null and l.parent_id is null
    ) as a
) as s
order by l.depth

-- name: line_place
-- From a line's end up to a depth: every so manieth message, and the last. Of a message, no text is read.
with recursive line as (
    select m.id, m.parent_id, 1 as step
    from airuns.ai_messages as m
    where m.user_id = %(user_id)s and m.run_id = %(run_id)s and m.id = %(message_id)s
    union all
    select m.id, m.parent_id, l.step + 1
    from line as l
    cross join lateral (
        select p.id, p.parent_id
        from airuns.ai_messages as p
        where p.user_id = %(user_id)s and p.id = l.parent_id
        limit 1
    ) as m
    where l.step < %(steps)s
)
select id, step from line where step %% %(every)s = 1 or step = %(steps)s

-- name: children
-- Children of a message, or the roots where it is null, oldest first.
select id, role, content, task_id, created_at
from airuns.ai_messages
where user_id = %(user_id)s and run_id = %(run_id)s and parent_id = %(message_id)s
order by id

-- name: roots
select id, role, content, task_id, created_at
from airuns.ai_messages
where user_id = %(user_id)s and run_id = %(run_id)s and parent_id is null
order by id

-- name: newest_leaf
-- From a message down its newest children to a leaf: where the line goes on that one turns to.
with recursive down as (
    select %(message_id)s::uuid as id, 0 as step
    union all
    select (
        select c.id
        from airuns.ai_messages as c
        where c.user_id = %(user_id)s and c.run_id = %(run_id)s and c.parent_id = d.id
        order by c.id desc
        limit 1
    ), d.step + 1
    from down as d
    where d.id is not null
)
select id from down where id is not null order by step desc limit 1

-- name: node_by_chain
-- The deepest node of a run that has one of these chain hashes; of equal nodes the first.
select id, depth, chain_hash
from airuns.ai_messages
where user_id = %(user_id)s and run_id = %(run_id)s and chain_hash = any(%(hashes)s)
order by depth desc, id
limit 1

-- name: message_of_task
select id, run_id, parent_id, depth, role, content, data, chain_hash, task_id, metadata, created_at
from airuns.ai_messages
where user_id = %(user_id)s and run_id = %(run_id)s and task_id = %(task_id)s
order by id
limit 1
