-- Tasks and the processes that run them. Each statement names the user in every term, as a cluster asks.

-- name: task_get
-- Those of a deleted run are gone with it, until it is restored; the engine sees them all the same.
select task_id, run_id, source_type, prompt_id, key_id, request_message_id, service, task_name, provider, endpoint, model, model_id,
    request_data, encode(request_hash, 'hex') as request_hash, response_text, response_data, response_info, response_errors, tool_updates,
    response_metadata, tokens_input, tokens_output, tokens_total, tokens_cache_read, tokens_cache_write_5m,
    tokens_cache_write_1h, tokens_reasoning, usage_estimated, cost, price, time_to_first_token, total_time,
    status, process_id, created_at, updated_at, completed_at
from airuns.ai_tasks as t
where user_id = %(user_id)s and task_id = %(task_id)s and (%(deleted)s or (
    select r.deleted_at from airuns.ai_runs as r where r.user_id = %(user_id)s and r.id = t.run_id) is null)

-- name: task_insert
insert into airuns.ai_tasks (user_id, task_id, run_id, request_message_id, service, task_name, provider,
    endpoint, model, model_id, request_data, request_hash, process_id, key_id)
values (%(user_id)s, %(task_id)s, %(run_id)s, %(request_message_id)s, %(service)s, %(task_name)s, %(provider)s,
    %(endpoint)s, %(model)s, %(model_id)s, %(request_data)s, %(request_hash)s, %(process_id)s, %(key_id)s)

-- name: task_update
-- A caller that makes the model call itself reports how far it is. Null leaves a column as it is.
update airuns.ai_tasks
set status = 'streaming',
    response_text = coalesce(%(response_text)s, response_text),
    response_data = coalesce(%(response_data)s, response_data),
    response_info = coalesce(%(response_info)s, response_info),
    tool_updates = coalesce(%(tool_updates)s, tool_updates),
    response_metadata = coalesce(%(response_metadata)s, response_metadata),
    time_to_first_token = coalesce(%(time_to_first_token)s, time_to_first_token)
where user_id = %(user_id)s and task_id = %(task_id)s and completed_at is null

-- name: task_closing
-- Locked, so that a task ends once; the run first, as all who write to a run do.
-- What is joined never changes, so waiting for the locks does no harm.
select t.run_id, t.completed_at is not null as has_ended,
    exists (
        select from airuns.ai_messages as a
        where a.user_id = %(user_id)s and a.run_id = t.run_id and a.task_id = t.task_id
    ) as has_answer,
    m.id as question_id, m.depth as question_depth, m.chain_hash as question_hash
from airuns.ai_runs as r
join airuns.ai_tasks as t on t.user_id = %(user_id)s and t.run_id = r.id
left join airuns.ai_messages as m on m.user_id = %(user_id)s and m.id = t.request_message_id
where r.user_id = %(user_id)s and t.task_id = %(task_id)s
for no key update of r, t

-- name: task_end
-- The end of a task, once: whoever comes second changes no row.
update airuns.ai_tasks
set status = %(status)s,
    response_text = %(response_text)s,
    response_data = coalesce(%(response_data)s, response_data),
    response_info = coalesce(%(response_info)s, response_info),
    response_errors = coalesce(%(response_errors)s, response_errors),
    tool_updates = coalesce(%(tool_updates)s, tool_updates),
    response_metadata = coalesce(%(response_metadata)s, response_metadata),
    tokens_input = %(tokens_input)s, tokens_output = %(tokens_output)s, tokens_total = %(tokens_total)s,
    tokens_cache_read = %(tokens_cache_read)s, tokens_cache_write_5m = %(tokens_cache_write_5m)s,
    tokens_cache_write_1h = %(tokens_cache_write_1h)s, tokens_reasoning = %(tokens_reasoning)s,
    usage_estimated = %(usage_estimated)s, cost = %(cost)s, price = %(price)s,
    time_to_first_token = coalesce(%(time_to_first_token)s, time_to_first_token), total_time = %(total_time)s
where user_id = %(user_id)s and task_id = %(task_id)s and completed_at is null

-- name: task_running_at
-- The line may go on from a question that is being answered; then a second writer branches beside it.
select task_id
from airuns.ai_tasks
where user_id = %(user_id)s and run_id = %(run_id)s and request_message_id = %(message_id)s
    and status in ('pending', 'streaming')
limit 1

-- name: tasks_running_in
select task_id
from airuns.ai_tasks
where user_id = %(user_id)s and run_id = %(run_id)s and status in ('pending', 'streaming')
order by created_at

-- name: task_ask_cancel
-- Another process runs the task; it reads this within a second.
update airuns.ai_tasks
set cancel_requested_at = now()
where user_id = %(user_id)s and task_id = %(task_id)s and completed_at is null

-- name: flush
-- Partial texts of all running tasks of a process in one statement. `at` is where each piece begins, so
-- that saving it twice changes nothing. In the order of the key, as everywhere, so that none deadlock.
update airuns.ai_tasks as t
set response_text = left(t.response_text, d.at) || d.text,
    status = case when t.status = 'pending' then 'streaming' else t.status end
from (
    select p.user_id, p.task_id, p.at, p.text
    from unnest(%(user_ids)s::uuid[], %(task_ids)s::uuid[], %(ats)s::integer[], %(texts)s::text[])
        as p (user_id, task_id, at, text)
    order by p.user_id, p.task_id
) as d
where t.user_id = d.user_id and t.task_id = d.task_id and t.completed_at is null

-- name: tasks_of_process
-- What a process should be running, by the database; what it runs by its memory may differ after trouble.
select user_id, task_id, created_at < now() - make_interval(secs => 10) as is_settled
from airuns.ai_tasks
where process_id = %(process_id)s and status in ('pending', 'streaming')

-- name: task_tail
-- What a viewer of a task elsewhere does not have yet.
select substr(response_text, %(offset)s + 1) as text, completed_at is not null as has_ended
from airuns.ai_tasks
where user_id = %(user_id)s and task_id = %(task_id)s

-- name: cancels_asked
select user_id, task_id
from airuns.ai_tasks
where process_id = %(process_id)s and status in ('pending', 'streaming') and cancel_requested_at is not null

-- name: process_seen
insert into airuns.server_processes (id)
values (%(process_id)s)
on conflict (id) do update set seen_at = now()

-- name: process_left
delete from airuns.server_processes where id = %(process_id)s

-- name: processes_forget
delete from airuns.server_processes where seen_at < now() - make_interval(secs => 100 * %(lease)s)

-- name: tasks_orphaned
-- Tasks whose process is dead: on this machine known by its journal's lock, elsewhere by its silence.
select t.user_id, t.task_id
from airuns.ai_tasks as t
left join airuns.server_processes as p on p.id = t.process_id
where t.process_id is not null and t.status in ('pending', 'streaming')
    and t.process_id <> %(process_id)s
    and (t.process_id = any(%(dead)s)
        or (t.process_id <> all(%(alive)s)
            and (p.id is null or p.seen_at < now() - make_interval(secs => %(lease)s))
            and %(lease)s::float8 is not null))
order by t.user_id, t.task_id
