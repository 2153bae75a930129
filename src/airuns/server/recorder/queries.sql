-- What a batch adds. Each statement names the user in every term, as a cluster asks. Rows come as JSON arrays, whose
-- json columns keep their bytes.

-- name: user_lock
-- This batch of the user alone, in whichever process: so two that tell the same add it once.
select id from airuns.users where id = %(user_id)s for no key update

-- name: user_share
-- Batches that are of other runs may go on beside each other.
select id from airuns.users where id = %(user_id)s for share

-- name: run_add
insert into airuns.ai_runs (user_id, id, source_type, source_id, prompt_version, name, description, tags, settings,
    variable_values, broker_values, metadata, created_at, last_message_at, added)
select %(user_id)s, r.id, r.source_type, r.source_id, r.prompt_version, r.name, r.description, r.tags, r.settings,
    r.variable_values, r.broker_values, r.metadata, r.created_at, r.created_at, true
from json_to_recordset(%(rows)s::json) as r (id uuid, source_type text, source_id text, prompt_version integer,
    name text, description text, tags text[], settings json, variable_values json, broker_values json, metadata json,
    created_at timestamptz)
returning id

-- name: run_change
-- Null leaves a column as it is.
update airuns.ai_runs
set source_type = coalesce(%(source_type)s, source_type),
    source_id = coalesce(%(source_id)s, source_id),
    name = coalesce(%(name)s, name),
    description = coalesce(%(description)s, description),
    tags = coalesce(%(tags)s, tags),
    settings = coalesce(%(settings)s, settings),
    variable_values = coalesce(%(variable_values)s, variable_values),
    broker_values = coalesce(%(broker_values)s, broker_values),
    metadata = coalesce(%(metadata)s, metadata),
    status = coalesce(%(status)s, status)
where user_id = %(user_id)s and id = %(run_id)s

-- name: run_settle
-- The model and settings that a person goes on with, where the run was begun without.
update airuns.ai_runs
set settings = (%(settings)s::jsonb || settings::jsonb)::json
where user_id = %(user_id)s and id = %(run_id)s

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
    insert into airuns.ai_tasks (user_id, task_id, run_id, source_type, prompt_id, prompt_version, key_id,
        request_message_id, service, task_name, provider, endpoint, model, model_id, request_data, request_hash,
        response_text, response_data, response_info, response_errors, tool_updates, response_metadata,
        tokens_input, tokens_output, tokens_total, tokens_cache_read, tokens_cache_write_5m, tokens_cache_write_1h,
        tokens_reasoning, usage_estimated, cost, price, time_to_first_token, total_time, status, created_at,
        completed_at, added)
    select %(user_id)s, t.task_id, t.run_id, t.source_type, t.prompt_id, t.prompt_version, t.key_id,
        t.request_message_id, coalesce(t.service, 'chat'), coalesce(t.task_name, 'chat'), t.provider, t.endpoint,
        t.model, t.model_id, coalesce(t.request_data, '{}'), decode(t.request_hash, 'hex'),
        coalesce(t.response_text, ''), t.response_data, t.response_info, t.response_errors, t.tool_updates,
        t.response_metadata, t.tokens_input, t.tokens_output, t.tokens_total, t.tokens_cache_read,
        t.tokens_cache_write_5m, t.tokens_cache_write_1h, t.tokens_reasoning, t.usage_estimated, t.cost, t.price,
        t.time_to_first_token, t.total_time, t.status, t.created_at, t.completed_at, true
    from json_to_recordset(%(tasks)s::json) as t (task_id uuid, run_id uuid, source_type text, prompt_id uuid,
        prompt_version integer, key_id uuid, request_message_id uuid, service text, task_name text, provider text,
        endpoint text, model text, model_id uuid, request_data json, request_hash text, response_text text,
        response_data json, response_info json, response_errors json, tool_updates json, response_metadata json,
        tokens_input bigint, tokens_output bigint, tokens_total bigint, tokens_cache_read bigint,
        tokens_cache_write_5m bigint, tokens_cache_write_1h bigint, tokens_reasoning bigint, usage_estimated boolean,
        cost numeric, price json, time_to_first_token double precision, total_time double precision, status text,
        created_at timestamptz, completed_at timestamptz)
    returning task_id
)
select (select count(*) from m) + (select count(*) from t)

-- name: task_change
-- Of a task that has ended only what was unknown is filled in; of another what is given. Null changes nothing.
-- Updates of tools come one by one, also after the end: one replaces that of its id, and others stay.
update airuns.ai_tasks as t
set service = case when t.completed_at is null then coalesce(n.service, t.service) else t.service end,
    task_name = case when t.completed_at is null then coalesce(n.task_name, t.task_name) else t.task_name end,
    provider = case when t.completed_at is null then coalesce(n.provider, t.provider) else coalesce(t.provider, n.provider) end,
    endpoint = case when t.completed_at is null then coalesce(n.endpoint, t.endpoint) else coalesce(t.endpoint, n.endpoint) end,
    model = case when t.completed_at is null then coalesce(n.model, t.model) else coalesce(t.model, n.model) end,
    model_id = case when t.completed_at is null then coalesce(n.model_id, t.model_id) else coalesce(t.model_id, n.model_id) end,
    response_text = case when t.completed_at is null then coalesce(n.response_text, t.response_text)
        else coalesce(nullif(t.response_text, ''), n.response_text, '') end,
    response_data = case when t.completed_at is null then coalesce(n.response_data, t.response_data) else coalesce(t.response_data, n.response_data) end,
    response_info = case when t.completed_at is null then coalesce(n.response_info, t.response_info) else coalesce(t.response_info, n.response_info) end,
    response_errors = case when t.completed_at is null then coalesce(n.response_errors, t.response_errors) else coalesce(t.response_errors, n.response_errors) end,
    tool_updates = case when n.tool_updates is null or t.tool_updates is null then coalesce(n.tool_updates, t.tool_updates) else (
        select json_agg(u.told order by u.is_new, u.place)
        from (
            select h.told, false as is_new, h.place
            from json_array_elements(t.tool_updates) with ordinality as h (told, place)
            where not exists (
                select from json_array_elements(n.tool_updates) as g (told) where g.told ->> 'id' = h.told ->> 'id')
            union all
            select g.told, true, g.place from json_array_elements(n.tool_updates) with ordinality as g (told, place)
        ) as u) end,
    response_metadata = coalesce(n.response_metadata, t.response_metadata),
    tokens_input = case when t.tokens_input is null or t.completed_at is null then coalesce(n.tokens_input, t.tokens_input) else t.tokens_input end,
    tokens_output = case when t.tokens_output is null or t.completed_at is null then coalesce(n.tokens_output, t.tokens_output) else t.tokens_output end,
    tokens_total = case when t.tokens_total is null or t.completed_at is null then coalesce(n.tokens_total, t.tokens_total) else t.tokens_total end,
    tokens_cache_read = case when t.tokens_input is null or t.completed_at is null then coalesce(n.tokens_cache_read, t.tokens_cache_read) else t.tokens_cache_read end,
    tokens_cache_write_5m = case when t.tokens_input is null or t.completed_at is null then coalesce(n.tokens_cache_write_5m, t.tokens_cache_write_5m) else t.tokens_cache_write_5m end,
    tokens_cache_write_1h = case when t.tokens_input is null or t.completed_at is null then coalesce(n.tokens_cache_write_1h, t.tokens_cache_write_1h) else t.tokens_cache_write_1h end,
    tokens_reasoning = case when t.tokens_output is null or t.completed_at is null then coalesce(n.tokens_reasoning, t.tokens_reasoning) else t.tokens_reasoning end,
    usage_estimated = case when t.completed_at is null then n.usage_estimated or t.usage_estimated else t.usage_estimated end,
    cost = case when t.completed_at is null then coalesce(n.cost, t.cost) else coalesce(t.cost, n.cost) end,
    price = case when t.completed_at is null then coalesce(n.price, t.price) else coalesce(t.price, n.price) end,
    time_to_first_token = case when t.completed_at is null then coalesce(n.time_to_first_token, t.time_to_first_token) else coalesce(t.time_to_first_token, n.time_to_first_token) end,
    total_time = case when t.completed_at is null then coalesce(n.total_time, t.total_time) else coalesce(t.total_time, n.total_time) end,
    completed_at = case when t.completed_at is null then n.completed_at else t.completed_at end,
    status = case when t.completed_at is null and n.status <> 'pending' then n.status else t.status end
from json_to_recordset(%(rows)s::json) as n (task_id uuid, service text, task_name text, provider text, endpoint text,
    model text, model_id uuid, response_text text, response_data json, response_info json, response_errors json,
    tool_updates json, response_metadata json, tokens_input bigint, tokens_output bigint, tokens_total bigint,
    tokens_cache_read bigint, tokens_cache_write_5m bigint, tokens_cache_write_1h bigint, tokens_reasoning bigint,
    usage_estimated boolean, cost numeric, price json, time_to_first_token double precision,
    total_time double precision, status text, completed_at timestamptz)
where t.user_id = %(user_id)s and t.task_id = any(%(ids)s) and t.task_id = n.task_id

-- name: adopt
-- An answer that was first seen in a later request, by the task whose answer it is.
update airuns.ai_messages as m
set task_id = n.task_id
from unnest(%(ids)s::uuid[], %(task_ids)s::uuid[]) as n (id, task_id)
where m.user_id = %(user_id)s and m.id = any(%(ids)s) and m.id = n.id and m.task_id is null

-- name: count
select airuns.count_added(%(user_id)s, %(run_ids)s, %(heads)s, %(new_runs)s, %(new_messages)s, %(new_tasks)s)

-- name: wait
insert into airuns.events_waiting (user_id, needs, id, key_id, event)
select %(user_id)s, w.needs, w.id, w.key_id, w.event::json
from unnest(%(needs)s::uuid[], %(ids)s::uuid[], %(key_ids)s::uuid[], %(events)s::text[]) as w (needs, id, key_id, event)
on conflict (user_id, needs, id) do nothing

-- name: awaited
delete from airuns.events_waiting
where user_id = %(user_id)s and needs = any(%(ids)s)
returning event::text as event, key_id

-- name: prompts
select id, version from airuns.prompts
where user_id = %(user_id)s and id = any(%(ids)s) and deleted_at is null
for key share
