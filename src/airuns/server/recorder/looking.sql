-- What is there of a batch. Each statement names the user in every term, as a cluster asks. Each look-up goes by a key,
-- one row at a time: the limits hold the planner to that.

-- name: tasks_known
select t.task_id, t.run_id, t.completed_at is not null as has_ended, t.request_message_id, t.provider,
    t.model, a.id as answer_id
from unnest(%(ids)s::uuid[]) as o (id)
cross join lateral (
    select x.task_id, x.run_id, x.completed_at, x.request_message_id, x.provider, x.model
    from airuns.ai_tasks as x
    where x.user_id = %(user_id)s and x.task_id = o.id
    limit 1
) as t
left join lateral (
    select x.id from airuns.ai_messages as x
    where x.user_id = %(user_id)s and x.run_id = t.run_id and x.task_id = t.task_id
    limit 1
) as a on true

-- name: messages_known
select m.id, m.run_id, m.depth, m.chain_hash, m.task_id
from unnest(%(ids)s::uuid[]) as o (id)
cross join lateral (
    select x.id, x.run_id, x.depth, x.chain_hash, x.task_id
    from airuns.ai_messages as x
    where x.user_id = %(user_id)s and x.id = o.id
    limit 1
) as m

-- name: conversations
-- Of each chain hash the run that began last and has it; not a deleted one.
select o.hash, m.run_id
from unnest(%(hashes)s::bytea[]) as o (hash)
cross join lateral (
    select x.run_id
    from airuns.ai_messages as x
    where x.user_id = %(user_id)s and x.chain_hash = o.hash
        and exists (select from airuns.ai_runs as r
            where r.user_id = %(user_id)s and r.id = x.run_id and r.deleted_at is null)
    order by x.run_id desc
    limit 1
) as m

-- name: places
-- Where in which run a conversation is.
select m.id, m.run_id, m.depth, m.chain_hash, m.task_id
from unnest(%(run_ids)s::uuid[], %(hashes)s::bytea[]) as o (run_id, hash)
cross join lateral (
    select x.id, x.run_id, x.depth, x.chain_hash, x.task_id
    from airuns.ai_messages as x
    where x.user_id = %(user_id)s and x.chain_hash = o.hash and x.run_id = o.run_id
    order by x.id
    limit 1
) as m

-- name: runs_lock
-- In the order of the key, as everywhere. Also deleted ones: what is told of them is there if they are restored.
select id, source_type, prompt_id, prompt_version, head_message_id, last_message_at,
    settings ->> 'model' is not null as has_model
from airuns.ai_runs
where user_id = %(user_id)s and id = any(%(ids)s)
order by id
for no key update
