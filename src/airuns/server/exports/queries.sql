-- The statements of exports. Each names the user in every term, as a cluster asks.
-- Exports read keys first, packed (16 bytes an id), and then contents in pages of about a megabyte.

-- name: runs_there
-- Which of these runs can be exported.
select id, message_count, task_count
from airuns.ai_runs
where user_id = %(user_id)s and id = any(%(ids)s) and deleted_at is null

-- name: runs_rows
-- As lists show them; in the order of the ids.
select id, source_type, source_id, prompt_id, name, tags, status, is_starred, settings ->> 'model' as model,
    message_count, task_count, total_tokens, total_cost, created_at, updated_at, last_message_at,
    archived_at, deleted_at, preview, last_task_status
from airuns.ai_runs
where user_id = %(user_id)s and id = any(%(ids)s) and deleted_at is null
order by array_position(%(ids)s, id)

-- name: run_records
-- Whole; json as the text that it was stored as.
select id, source_type, source_id, prompt_version, name, description, tags, settings::text as settings,
    variable_values::text as variable_values, broker_values::text as broker_values,
    attachments::text as attachments, metadata::text as metadata, status, is_starred, head_message_id,
    preview, last_task_id, message_count, task_count, total_tokens, trim_scale(total_cost) as total_cost,
    created_at, updated_at, last_message_at, archived_at, deleted_at
from airuns.ai_runs
where user_id = %(user_id)s and id = any(%(ids)s)
order by array_position(%(ids)s, id)

-- name: run_heads
select id, head_message_id
from airuns.ai_runs
where user_id = %(user_id)s and id = any(%(ids)s)

-- name: line_keys
-- The current lines of runs. Of each message: the run's place in the list, its id, its parent's, how large
-- it is, and whether it is a whole answer. Each step up is one look-up by the key (see line_turns in runs).
with recursive line as (
    select m.run_id, m.id, m.parent_id, m.depth, octet_length(m.content) + coalesce(pg_column_size(m.data), 0) as size,
        m.role = 'assistant' and m.metadata ->> 'status' is null as is_answer
    from airuns.ai_runs as r
    join airuns.ai_messages as m
        on m.user_id = %(user_id)s and m.run_id = r.id and m.id = r.head_message_id
    where r.user_id = %(user_id)s and r.id = any(%(ids)s)
    union all
    select m.run_id, m.id, m.parent_id, m.depth, m.size, m.is_answer
    from line as l
    cross join lateral (
        select p.run_id, p.id, p.parent_id, p.depth,
            octet_length(p.content) + coalesce(pg_column_size(p.data), 0) as size,
            p.role = 'assistant' and p.metadata ->> 'status' is null as is_answer
        from airuns.ai_messages as p
        where p.user_id = %(user_id)s and p.id = l.parent_id
        limit 1
    ) as m
)
select string_agg(
    int4send(array_position(%(ids)s, run_id)) || uuid_send(id)
        || uuid_send(coalesce(parent_id, '00000000-0000-0000-0000-000000000000'::uuid)) || int4send(size)
        || case when is_answer then '\x01'::bytea else '\x00'::bytea end,
    ''::bytea order by array_position(%(ids)s, run_id), depth)
from line

-- name: tree_keys
-- All messages of runs, parents before children; as line_keys.
select string_agg(
    int4send(array_position(%(ids)s, m.run_id)) || uuid_send(m.id)
        || uuid_send(coalesce(m.parent_id, '00000000-0000-0000-0000-000000000000'::uuid))
        || int4send(octet_length(m.content) + coalesce(pg_column_size(m.data), 0))
        || case when m.role = 'assistant' and m.metadata ->> 'status' is null then '\x01'::bytea else '\x00'::bytea end,
    ''::bytea order by array_position(%(ids)s, m.run_id), m.depth, m.id)
from airuns.ai_messages as m
where m.user_id = %(user_id)s and m.run_id = any(%(ids)s)

-- name: task_keys
-- All tasks of runs, oldest first; as line_keys, without parents and answers.
select string_agg(
    int4send(array_position(%(ids)s, t.run_id)) || uuid_send(t.task_id)
        || uuid_send('00000000-0000-0000-0000-000000000000'::uuid)
        || int4send(octet_length(t.response_text) + coalesce(pg_column_size(t.response_data), 0)
            + pg_column_size(t.request_data))
        || '\x00'::bytea,
    ''::bytea order by array_position(%(ids)s, t.run_id), t.created_at, t.task_id)
from airuns.ai_tasks as t
where t.user_id = %(user_id)s and t.run_id = any(%(ids)s)

-- name: message_records
-- In the order of the ids.
select id, run_id, parent_id, depth, role, content, data::text as data, encode(chain_hash, 'hex') as chain_hash,
    task_id, metadata::text as metadata, created_at
from airuns.ai_messages
where user_id = %(user_id)s and id = any(%(ids)s)
order by array_position(%(ids)s, id)

-- name: task_records
-- In the order of the ids.
select task_id, run_id, source_type, prompt_id, prompt_version, key_id, request_message_id, service, task_name,
    provider, endpoint, model, model_id, request_data::text as request_data, encode(request_hash, 'hex') as request_hash,
    response_text, response_data::text as response_data, response_info::text as response_info,
    response_errors::text as response_errors, tool_updates::text as tool_updates,
    response_metadata::text as response_metadata, tokens_input, tokens_output, tokens_total,
    tokens_cache_read, tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, usage_estimated,
    cost, price::text as price, time_to_first_token, total_time, status, process_id, cancel_requested_at,
    created_at, updated_at, completed_at
from airuns.ai_tasks
where user_id = %(user_id)s and task_id = any(%(ids)s)
order by array_position(%(ids)s, task_id)

-- name: attachment_records
-- Of these runs, without their contents.
select id, run_id, name, media_type, size, encode(sha256, 'hex') as sha256, created_at
from airuns.attachments
where user_id = %(user_id)s and run_id = any(%(ids)s)
order by array_position(%(ids)s, run_id), created_at, id

-- name: attachment_slice
-- Stored uncompressed, so that a slice reads a slice.
select substring(content from %(start)s for %(length)s)
from airuns.attachments
where user_id = %(user_id)s and id = %(id)s

-- name: prompt_records
-- The prompts of these runs.
select p.id, p.name, p.description, p.tags, p.version, p.created_at, p.updated_at, p.deleted_at
from airuns.prompts as p
where p.user_id = %(user_id)s and p.id in (
    select r.prompt_id from airuns.ai_runs as r where r.user_id = %(user_id)s and r.id = any(%(ids)s))
order by p.id

-- name: version_records
-- A page of a prompt's versions, oldest first.
select id, prompt_id, version, messages::text as messages, variables::text as variables,
    settings::text as settings, created_at
from airuns.prompt_versions
where user_id = %(user_id)s and prompt_id = %(prompt_id)s and version > %(after)s
order by version
limit %(limit)s

-- name: model_records
-- The models of these runs' tasks. A user's own prices are no part of a conversation.
select m.id, m.provider, m.name
from airuns.ai_models as m
where m.user_id = %(user_id)s and m.id in (
    select t.model_id from airuns.ai_tasks as t where t.user_id = %(user_id)s and t.run_id = any(%(ids)s))
order by m.id

-- name: export_insert
insert into airuns.exports (user_id, id, format, branches, which, file_name, media_type)
values (%(user_id)s, %(id)s, %(format)s, %(branches)s, %(which)s, %(file_name)s, %(media_type)s)

-- name: exports_unended
select count(*)
from airuns.exports
where user_id = %(user_id)s and state in ('waiting', 'running')

-- name: export_get
select id, coalesce((which ->> 'everything')::boolean, false) as everything, format, branches, state, file_name, media_type, total_runs, done_runs, left_out, size, error,
    created_at, completed_at, expires_at
from airuns.exports
where user_id = %(user_id)s and id = %(id)s

-- name: export_list
-- Newest first.
select id, coalesce((which ->> 'everything')::boolean, false) as everything, format, branches, state, file_name, media_type, total_runs, done_runs, left_out, size, error,
    created_at, completed_at, expires_at
from airuns.exports
where user_id = %(user_id)s and (%(before)s::uuid is null or id < %(before)s::uuid)
order by id desc
limit %(limit)s

-- name: export_delete
-- Its chunks go with it.
delete from airuns.exports
where user_id = %(user_id)s and id = %(id)s

-- name: exports_claimable
-- What waits, and what a process that is silent now has left. Few rows: read from exports_unended.
select user_id, id, is_pdf, seen_at
from (
    select distinct on (user_id, format = 'pdf') user_id, id, format = 'pdf' as is_pdf, seen_at, created_at
    from airuns.exports
    where state in ('waiting', 'running') and coalesce(seen_at < now() - make_interval(secs => %(lease)s), true)
    order by user_id, format = 'pdf', created_at
) as oldest
order by created_at
limit 100

-- name: export_claim
-- Of several processes that see it at once, one finds seen_at as it saw it.
update airuns.exports
set state = 'running', process_id = %(process_id)s, seen_at = now(), tries = tries + 1,
    done_runs = 0, left_out = 0, size = 0, total_runs = null
where user_id = %(user_id)s and id = %(id)s and state in ('waiting', 'running')
    and seen_at is not distinct from %(seen_at)s
returning format, branches, which, file_name, tries

-- name: chunks_forget
delete from airuns.export_chunks
where user_id = %(user_id)s and export_id = %(id)s

-- name: export_progress
-- No row: it was deleted meanwhile, or another process makes it now.
update airuns.exports
set seen_at = now(), total_runs = %(total_runs)s, done_runs = %(done_runs)s, left_out = %(left_out)s, size = %(size)s
where user_id = %(user_id)s and id = %(id)s and state = 'running' and process_id = %(process_id)s

-- name: chunk_insert
insert into airuns.export_chunks (user_id, export_id, position, content)
values (%(user_id)s, %(id)s, %(position)s, %(content)s)

-- name: export_end
update airuns.exports
set state = %(state)s, error = %(error)s, file_name = %(file_name)s, media_type = %(media_type)s,
    completed_at = now(), expires_at = now() + make_interval(days => %(days)s)
where user_id = %(user_id)s and id = %(id)s and state = 'running' and process_id = %(process_id)s

-- name: export_release
-- The process goes: another may begin at once.
update airuns.exports
set state = 'waiting', seen_at = null, process_id = null
where user_id = %(user_id)s and id = %(id)s and state = 'running' and process_id = %(process_id)s

-- name: chunk_get
select content
from airuns.export_chunks
where user_id = %(user_id)s and export_id = %(id)s and position = %(position)s

-- name: exports_expire
delete from airuns.exports
where expires_at < now()
