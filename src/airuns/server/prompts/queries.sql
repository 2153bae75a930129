-- The statements of prompts. Each names the user in every term, so that a cluster asks one node.

-- name: prompt_read
-- A prompt as of one version; without a number, of its newest.
select p.id, p.name, p.description, p.tags, v.version, v.messages, v.variables, v.settings,
    p.created_at, p.updated_at
from airuns.prompts as p
join airuns.prompt_versions as v on v.user_id = %(user_id)s and v.prompt_id = p.id
where p.user_id = %(user_id)s and p.id = %(prompt_id)s and p.deleted_at is null
    and v.version = coalesce(%(version)s::integer, p.version)

-- name: prompt_lock
-- Locked, because what follows depends on its version or its deletion: two writers take turns.
select version, deleted_at
from airuns.prompts
where user_id = %(user_id)s and id = %(prompt_id)s
for no key update

-- name: prompt_insert
-- Its first version follows in the same transaction.
insert into airuns.prompts (user_id, id, name, description, tags)
values (%(user_id)s, %(prompt_id)s, %(name)s, %(description)s, %(tags)s)

-- name: version_insert
-- A version is added and never changed.
insert into airuns.prompt_versions (user_id, id, prompt_id, version, messages, variables, settings)
values (%(user_id)s, %(id)s, %(prompt_id)s, %(version)s, %(messages)s, %(variables)s, %(settings)s)

-- name: prompt_update
-- The row of a prompt, when it is renamed or has a new version.
update airuns.prompts
set name = %(name)s, description = %(description)s, tags = %(tags)s, version = %(version)s
where user_id = %(user_id)s and id = %(prompt_id)s

-- name: prompts_recent
-- Served in order by prompts_by_change; a search only filters it.
select id, name, description, tags, version, created_at, updated_at, deleted_at
from airuns.prompts
where user_id = %(user_id)s and deleted_at is null and (updated_at, id) < (%(after)s, %(after_id)s)
    and strpos(name_key, lower(%(q)s)) > 0
order by updated_at desc, id desc
limit %(limit)s

-- name: prompts_by_name
-- Served in order by prompts_by_name; a search only filters it.
select id, name, description, tags, version, created_at, updated_at, deleted_at
from airuns.prompts
where user_id = %(user_id)s and deleted_at is null and (name_key, id) > (lower(%(after)s), %(after_id)s)
    and strpos(name_key, lower(%(q)s)) > 0
order by name_key, id
limit %(limit)s

-- name: prompts_deleted
-- What can be restored, served in order by prompts_deleted.
select id, name, description, tags, version, created_at, updated_at, deleted_at
from airuns.prompts
where user_id = %(user_id)s and deleted_at is not null and (deleted_at, id) < (%(after)s, %(after_id)s)
    and strpos(name_key, lower(%(q)s)) > 0
order by deleted_at desc, id desc
limit %(limit)s

-- name: versions
-- Newest first, read backwards from the unique key.
select id, version, settings ->> 'model' as model, created_at
from airuns.prompt_versions
where user_id = %(user_id)s and prompt_id = %(prompt_id)s and (version, id) < (%(after)s, %(after_id)s)
order by version desc
limit %(limit)s

-- name: deletion
-- What a deletion takes: counted from the runs' own counts, without reading messages or tasks.
select count(*) as runs, coalesce(sum(message_count), 0)::bigint as messages,
    coalesce(sum(task_count), 0)::bigint as tasks
from airuns.ai_runs
where user_id = %(user_id)s and prompt_id = %(prompt_id)s and (deleted_at is null or %(deleted)s)

-- name: prompt_hold
-- A run is about to begin with it; deleting it waits until the run can be seen and goes with it.
select id
from airuns.prompts
where user_id = %(user_id)s and id = %(prompt_id)s and deleted_at is null
for key share

-- name: prompt_lock_deletion
-- The strongest lock: it waits for those who hold the prompt, and they for it.
select id
from airuns.prompts
where user_id = %(user_id)s and id = %(prompt_id)s and deleted_at is null
for update

-- name: prompt_delete
-- Soft: its runs get the same time, so that restoring it finds just them.
update airuns.prompts
set deleted_at = now()
where user_id = %(user_id)s and id = %(prompt_id)s and deleted_at is null

-- name: runs_delete
-- The runs that go with their prompt; those deleted before keep their own time.
update airuns.ai_runs
set deleted_at = now()
where user_id = %(user_id)s and prompt_id = %(prompt_id)s and deleted_at is null

-- name: prompt_restore
-- Its row is locked by then.
update airuns.prompts
set deleted_at = null
where user_id = %(user_id)s and id = %(prompt_id)s

-- name: runs_restore
-- Only the runs that went with the prompt.
update airuns.ai_runs
set deleted_at = null
where user_id = %(user_id)s and prompt_id = %(prompt_id)s and deleted_at = %(deleted_at)s

-- name: prompt_lock_runs
-- In the order of the key, as everywhere; what follows sees all that came before the locks.
select id
from airuns.ai_runs
where user_id = %(user_id)s and prompt_id = %(prompt_id)s
order by id
for update

-- name: prompt_purge_runs
-- Runs are deleted here by the role of requests, as in runs_purge, so that triggers can count what goes with them.
delete from airuns.ai_runs
where user_id = %(user_id)s and prompt_id = %(prompt_id)s

-- name: prompt_purge
-- For good: its versions go by their foreign key.
delete from airuns.prompts
where user_id = %(user_id)s and id = %(prompt_id)s and deleted_at is not null

-- name: use_of
-- A page of prompts: each part is one range of an index, runs by runs_of_source, tasks by tasks_of_prompt.
-- Tasks of deleted runs count: they were paid for.
select p.id as prompt_id, r.runs, t.tasks_30d, t.succeeded_30d, t.cost_30d, l.last_run_at, l.last_status
from unnest(%(prompt_ids)s::uuid[]) as p (id)
cross join lateral (
    select count(*) as runs
    from airuns.ai_runs
    where user_id = %(user_id)s and source_type = 'prompt' and source_id = p.id::text and deleted_at is null
) as r
left join lateral (
    select last_message_at as last_run_at, last_task_status as last_status
    from airuns.ai_runs
    where user_id = %(user_id)s and source_type = 'prompt' and source_id = p.id::text and deleted_at is null
    order by last_message_at desc, id desc
    limit 1
) as l on true
cross join lateral (
    select count(*) as tasks_30d, count(*) filter (where status = 'completed') as succeeded_30d,
        case when count(*) = 0 then 0 else sum(cost) end as cost_30d
    from airuns.ai_tasks
    where user_id = %(user_id)s and prompt_id = p.id and created_at > now() - interval '30 days'
) as t

-- name: prompt_running
-- Few tasks run at any time: read from tasks_unended, not from all that the prompt ever had.
select task_id
from airuns.ai_tasks
where user_id = %(user_id)s and prompt_id = %(prompt_id)s and status in ('pending', 'streaming')
