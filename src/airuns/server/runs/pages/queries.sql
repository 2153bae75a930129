-- What the runner's pages read beyond the store of runs.

-- name: turn_tasks
-- The tasks that wrote messages of a line, and those that were asked at one of them; no text is read.
select t.task_id, t.request_message_id, t.provider, t.model, t.tokens_input, t.tokens_output, t.usage_estimated,
    t.cost, t.time_to_first_token, t.total_time, t.status, t.response_errors, length(t.response_text) as kept,
    t.response_data ->> 'reasoning' as reasoning, t.created_at
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
