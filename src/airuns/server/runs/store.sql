-- Runs. Each statement names the user in every term, as a cluster asks.

-- name: run_get
-- The run's row, without a lock.
select id, source_type, source_id, prompt_id, prompt_version, name, description, tags, settings,
    variable_values, broker_values, attachments, metadata, status, is_starred, head_message_id,
    total_tokens, total_cost, message_count, task_count, created_at, updated_at, last_message_at,
    archived_at, deleted_at
from airuns.ai_runs
where user_id = %(user_id)s and id = %(run_id)s and (deleted_at is null or %(deleted)s)

-- name: run_insert
insert into airuns.ai_runs (user_id, id, source_type, source_id, prompt_version, name, description,
    tags, settings, variable_values, broker_values, attachments, metadata)
values (%(user_id)s, %(run_id)s, %(source_type)s, %(source_id)s, %(prompt_version)s, %(name)s,
    %(description)s, %(tags)s, %(settings)s, %(variable_values)s, %(broker_values)s, %(attachments)s,
    %(metadata)s)
on conflict (user_id, id) do nothing

-- name: run_update
-- Null leaves a column as it is; archived is true, false or null.
update airuns.ai_runs
set name = coalesce(%(name)s, name),
    description = coalesce(%(description)s, description),
    tags = coalesce(%(tags)s, tags),
    settings = coalesce(%(settings)s, settings),
    metadata = coalesce(%(metadata)s, metadata),
    status = coalesce(%(status)s, status),
    is_starred = coalesce(%(is_starred)s, is_starred),
    archived_at = case when %(archived)s::boolean then coalesce(archived_at, now())
                       when %(archived)s::boolean is null then archived_at end
where user_id = %(user_id)s and id = %(run_id)s and deleted_at is null

-- name: run_set_settings
update airuns.ai_runs
set settings = %(settings)s::json
where user_id = %(user_id)s and id = %(run_id)s and settings::text <> %(settings)s::json::text

-- name: run_delete
-- Soft: restoring clears the time, purging asks for it.
update airuns.ai_runs
set deleted_at = now()
where user_id = %(user_id)s and id = %(run_id)s and deleted_at is null

-- name: run_restore
-- A run that went with its prompt comes back with it, not alone.
update airuns.ai_runs as r
set deleted_at = null
where r.user_id = %(user_id)s and r.id = %(run_id)s and r.deleted_at is not null
    and not exists (
        select from airuns.prompts as p
        where p.user_id = %(user_id)s and p.id = r.prompt_id and p.deleted_at is not null)

-- name: runs_lock_deleted
-- In the order of the key, as everywhere; what follows sees all that came before the locks.
select id
from airuns.ai_runs
where user_id = %(user_id)s and id = any(%(run_ids)s) and deleted_at is not null
order by id
for update

-- name: runs_purge
-- For good. Runs are deleted here by the role of requests, so that triggers can count what goes with them: those of a
-- cascade run as the owner, whom row level security binds. Messages and tasks go by their foreign keys, each at once
-- and not one below the other, however long the conversation is.
delete from airuns.ai_runs
where user_id = %(user_id)s and id = any(%(run_ids)s) and deleted_at is not null
