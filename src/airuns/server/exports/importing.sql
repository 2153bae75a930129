-- What an archive brings. Each statement names the user in every term, as a cluster asks; that is never
-- the archive's to say. Rows come as one JSON array, whose json columns keep their bytes.

-- name: there
-- Which of these are there, deleted or not.
select 'run' as kind, id, deleted_at is not null as is_deleted from airuns.ai_runs
where user_id = %(user_id)s and id = any(%(run_ids)s)
union all
select 'prompt', id, deleted_at is not null from airuns.prompts
where user_id = %(user_id)s and id = any(%(prompt_ids)s)

-- name: models_of
-- By their ids, or by their names: here the same model may have another id.
select id, provider, name
from airuns.ai_models
where user_id = %(user_id)s and (id = any(%(ids)s)
    or (provider = any(%(providers)s) and name = any(%(names)s)))

-- name: prompt_add
insert into airuns.prompts (user_id, id, name, description, tags, version, created_at, updated_at, deleted_at)
select %(user_id)s, p.id, p.name, p.description, p.tags, p.version, p.created_at, p.updated_at, p.deleted_at
from json_to_recordset(%(rows)s::json) as p (id uuid, name text, description text, tags text[], version integer,
    created_at timestamptz, updated_at timestamptz, deleted_at timestamptz)
returning id

-- name: version_add
insert into airuns.prompt_versions (user_id, id, prompt_id, version, messages, variables, settings, created_at)
select %(user_id)s, v.id, v.prompt_id, v.version, v.messages, v.variables, v.settings, v.created_at
from json_to_recordset(%(rows)s::json) as v (id uuid, prompt_id uuid, version integer, messages json,
    variables json, settings json, created_at timestamptz)
returning id

-- name: prompt_hold
-- Stays as it is while a run of it is added.
select deleted_at is not null as is_deleted
from airuns.prompts
where user_id = %(user_id)s and id = %(prompt_id)s
for key share

-- name: run_add
-- Counts and totals are left to count_added; run_finish follows.
insert into airuns.ai_runs (user_id, id, source_type, source_id, prompt_version, name, description, tags, settings,
    variable_values, broker_values, attachments, metadata, is_starred, created_at, last_message_at, archived_at, deleted_at,
    added)
select %(user_id)s, r.id, r.source_type, r.source_id, r.prompt_version, r.name, r.description, r.tags, r.settings,
    r.variable_values, r.broker_values, r.attachments, r.metadata, r.is_starred, r.created_at, r.created_at,
    r.archived_at, r.deleted_at, true
from json_to_recordset(%(rows)s::json) as r (id uuid, source_type text, source_id text, prompt_version integer,
    name text, description text, tags text[], settings json, variable_values json, broker_values json,
    attachments json, metadata json, is_starred boolean, created_at timestamptz, archived_at timestamptz,
    deleted_at timestamptz)
returning id

-- name: attachment_add
insert into airuns.attachments (user_id, id, run_id, name, media_type, size, sha256, content, created_at)
values (%(user_id)s, %(id)s, %(run_id)s, %(name)s, %(media_type)s, %(size)s, decode(%(sha256)s, 'hex'),
    %(content)s, %(created_at)s)

-- name: nodes
-- The parents of new messages.
select id, depth, chain_hash
from airuns.ai_messages
where user_id = %(user_id)s and run_id = %(run_id)s and id = any(%(ids)s)

-- name: add
-- Questions, tasks and answers name each other, so they come in one statement, at whose end that is checked.
with m as (
    insert into airuns.ai_messages (user_id, id, run_id, parent_id, depth, role, content, data, chain_hash, task_id,
        metadata, created_at, added)
    select %(user_id)s, m.id, m.run_id, m.parent_id, m.depth, m.role, m.content, m.data, decode(m.chain_hash, 'hex'),
        m.task_id, m.metadata, m.created_at, null
    from json_to_recordset(%(messages)s::json) as m (id uuid, run_id uuid, parent_id uuid, depth integer, role text,
        content text, data json, chain_hash text, task_id uuid, metadata json, created_at timestamptz)
    returning id
), t as (
    insert into airuns.ai_tasks (user_id, task_id, run_id, key_id, request_message_id, service, task_name, provider,
        endpoint, model, model_id, request_data, request_hash, response_text, response_data, response_info,
        response_errors, tool_updates, response_metadata, tokens_input, tokens_output, tokens_total,
        tokens_cache_read, tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, usage_estimated, cost,
        price, time_to_first_token, total_time, status, process_id, cancel_requested_at, created_at, updated_at,
        completed_at, added)
    select %(user_id)s, t.task_id, t.run_id, t.key_id, t.request_message_id, t.service, t.task_name, t.provider,
        t.endpoint, t.model, t.model_id, t.request_data, decode(t.request_hash, 'hex'), t.response_text,
        t.response_data, t.response_info, t.response_errors, t.tool_updates, t.response_metadata, t.tokens_input,
        t.tokens_output, t.tokens_total, t.tokens_cache_read, t.tokens_cache_write_5m, t.tokens_cache_write_1h,
        t.tokens_reasoning, t.usage_estimated, t.cost, t.price, t.time_to_first_token, t.total_time, t.status,
        t.process_id, t.cancel_requested_at, t.created_at, t.updated_at, t.completed_at, true
    from json_to_recordset(%(tasks)s::json) as t (task_id uuid, run_id uuid, key_id uuid, request_message_id uuid,
        service text, task_name text, provider text, endpoint text, model text, model_id uuid, request_data json,
        request_hash text, response_text text, response_data json, response_info json, response_errors json,
        tool_updates json, response_metadata json, tokens_input bigint, tokens_output bigint, tokens_total bigint,
        tokens_cache_read bigint, tokens_cache_write_5m bigint, tokens_cache_write_1h bigint,
        tokens_reasoning bigint, usage_estimated boolean, cost numeric, price json,
        time_to_first_token double precision, total_time double precision, status text, process_id uuid,
        cancel_requested_at timestamptz, created_at timestamptz, updated_at timestamptz, completed_at timestamptz)
    returning task_id
)
select (select count(*) from m) + (select count(*) from t)

-- name: task_finish
-- Of tasks whose questions came in a later statement than they.
update airuns.ai_tasks as t
set request_message_id = f.message_id, updated_at = f.updated_at
from unnest(%(task_ids)s::uuid[], %(message_ids)s::uuid[], %(updated_ats)s::timestamptz[])
    as f (task_id, message_id, updated_at)
where t.user_id = %(user_id)s and t.task_id = any(%(task_ids)s) and t.task_id = f.task_id

-- name: plan_anew
-- What a connection planned while the tables were empty would read all that has come since.
set local plan_cache_mode = force_custom_plan

-- name: count
select airuns.count_added(%(user_id)s, %(runs)s, %(heads)s, %(new_runs)s, %(new_messages)s, %(new_tasks)s)

-- name: run_finish
-- What counting made of the order in which rows came in, as it was. The status of its last task is the task's. Rows are
-- looked up by their keys, as count_added does.
update airuns.ai_runs as r
set head_message_id = f.head_message_id, status = f.status, preview = f.preview,
    last_task_id = coalesce(t.task_id, r.last_task_id),
    last_task_status = coalesce(case when t.completed_at is null then null else t.status end, r.last_task_status),
    last_message_at = f.last_message_at, updated_at = f.updated_at
from json_to_recordset(%(rows)s::json) as f (id uuid, head_message_id uuid, status text, preview text,
    last_task_id uuid, last_message_at timestamptz, updated_at timestamptz)
left join lateral (
    select a.task_id, a.status, a.completed_at
    from airuns.ai_tasks as a
    where a.user_id = %(user_id)s and a.run_id = f.id and a.task_id = f.last_task_id
    limit 1
) as t on true
where r.user_id = %(user_id)s and r.id = any(%(ids)s) and r.id = f.id

-- name: messages_there
-- Which of these messages are there; they are in the runs that they were in.
select id from airuns.ai_messages
where user_id = %(user_id)s and id = any(%(ids)s)

-- name: run_hold
-- Stays as it is while messages are added; with when its current line ends.
select r.head_message_id, r.preview, r.last_message_at, m.created_at as head_at
from airuns.ai_runs as r
left join airuns.ai_messages as m
    on m.user_id = %(user_id)s and m.run_id = %(run_id)s and m.id = r.head_message_id
where r.user_id = %(user_id)s and r.id = %(run_id)s and r.deleted_at is null
for no key update of r

-- name: run_grow
update airuns.ai_runs
set head_message_id = %(head_message_id)s, preview = %(preview)s, last_message_at = %(last_message_at)s
where user_id = %(user_id)s and id = %(run_id)s
