-- What the runner's pages read beyond the store of runs.

-- name: turn_tasks
-- The tasks that wrote messages of a line, and those that were asked at one of them; no text is read.
select t.task_id, t.request_message_id, t.provider, t.model, t.tokens_input, t.tokens_output, t.usage_estimated,
    t.cost, t.time_to_first_token, t.total_time, t.status, t.response_errors, length(t.response_text) as kept,
    t.response_data ->> 'reasoning' as reasoning, t.response_info ->> 'finish_reason' as finish_reason, t.created_at
from airuns.ai_tasks as t
where t.user_id = %(user_id)s and t.run_id = %(run_id)s
    and (t.task_id = any(%(task_ids)s::uuid[]) or t.request_message_id = any(%(message_ids)s::uuid[]))
order by t.created_at, t.task_id

-- name: last_chat_model
-- What a new chat begins with: the model of the last one.
select settings ->> 'model' as model
from airuns.ai_runs
where user_id = %(user_id)s and source_type = 'chat' and source_id is null and deleted_at is null
    and settings ->> 'model' is not null
order by last_message_at desc, id desc
limit 1

-- name: sidebar_count
-- Stops at the limit, so that its cost does not grow with the store.
select count(*)
from (
    select from airuns.ai_runs
    where user_id = %(user_id)s {filters}
    limit %(limit)s
) as found

-- name: runs_named
-- Those of some runs that a list has, newest first; see run_list.
select id, source_type, source_id, prompt_id, name, tags, status, is_starred, settings ->> 'model' as model,
    message_count, task_count, total_tokens, total_cost, created_at, updated_at, last_message_at,
    archived_at, deleted_at, preview, last_task_status
from airuns.ai_runs
where user_id = %(user_id)s and id = any(%(ids)s) {filters}
order by last_message_at desc, id desc

-- name: run_groups
-- The prompts that have runs, by their latest. One look-up of runs_of_source finds the next prompt, one its
-- newest run, so that the cost is that of the prompts, however many runs they have.
with recursive source as (
    (
        select r.source_id
        from airuns.ai_runs as r
        where r.user_id = %(user_id)s and r.source_type = 'prompt' and r.deleted_at is null
        order by r.source_id
        limit 1
    )
    union all
    select (
        select r.source_id
        from airuns.ai_runs as r
        where r.user_id = %(user_id)s and r.source_type = 'prompt' and r.deleted_at is null
            and r.source_id > s.source_id
        order by r.source_id
        limit 1
    )
    from source as s
    where s.source_id is not null
), head as (
    select p.id, p.name, p.name_key, s.source_id, l.last_message_at
    from source as s
    cross join lateral (
        select id, name, name_key
        from airuns.prompts
        where user_id = %(user_id)s and id = s.source_id::uuid and deleted_at is null
        limit 1
    ) as p
    cross join lateral (
        select last_message_at
        from airuns.ai_runs
        where user_id = %(user_id)s and source_type = 'prompt' and source_id = s.source_id
            and deleted_at is null and archived_at is null {filters}
        order by last_message_at desc, id desc
        limit 1
    ) as l
    where s.source_id is not null
        and (%(after)s::timestamptz is null or (l.last_message_at, p.id) < (%(after)s, %(after_id)s::uuid))
    order by l.last_message_at desc, p.id desc
    limit %(limit)s
)
select p.id, p.name, p.last_message_at, (
    select count(*)
    from (
        select from airuns.ai_runs
        where user_id = %(user_id)s and source_type = 'prompt' and source_id = p.source_id
            and deleted_at is null and archived_at is null {filters}
        limit %(counted)s
    ) as found
) as runs
from head as p
order by p.last_message_at desc, p.id desc

-- name: run_groups_newest
-- The newest runs of some prompts; see run_list.
select r.*
from airuns.prompts as p
cross join lateral (
    select id, source_type, source_id, prompt_id, name, tags, status, is_starred, settings ->> 'model' as model,
        message_count, task_count, total_tokens, total_cost, created_at, updated_at, last_message_at,
        archived_at, deleted_at, preview, last_task_status
    from airuns.ai_runs
    where user_id = %(user_id)s and source_type = 'prompt' and source_id = p.id::text
        and deleted_at is null and archived_at is null {filters}
    order by last_message_at desc, id desc
    limit %(newest)s
) as r
where p.user_id = %(user_id)s and p.id = any(%(prompt_ids)s::uuid[])
order by r.prompt_id, r.last_message_at desc, r.id desc
