-- The statements of the heart. Each names the user in every term, as a cluster asks.

-- name: run_get
-- The run's row, without a lock.
select id, source_type, source_id, prompt_id, prompt_version, name, description, tags, settings,
    variable_values, broker_values, attachments, metadata, status, is_starred, head_message_id,
    total_tokens, total_cost, message_count, task_count, created_at, updated_at, last_message_at,
    archived_at, deleted_at
from airuns.ai_runs
where user_id = %(user_id)s and id = %(run_id)s and (deleted_at is null or %(deleted)s)

-- name: run_lock
-- Locked, because what follows moves its head: two writers of one run take turns.
-- No join here: who has waited for the lock would see the new row beside what it joined before.
select id, prompt_id, settings, variable_values, head_message_id
from airuns.ai_runs
where user_id = %(user_id)s and id = %(run_id)s and deleted_at is null
for no key update

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

-- name: run_set_head
update airuns.ai_runs
set head_message_id = %(message_id)s
where user_id = %(user_id)s and id = %(run_id)s

-- name: run_advance_head
-- An answer moves the head only if nobody has moved it elsewhere since the question.
update airuns.ai_runs
set head_message_id = %(message_id)s
where user_id = %(user_id)s and id = %(run_id)s and head_message_id is not distinct from %(from_id)s

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

-- name: run_purge
delete from airuns.ai_runs
where user_id = %(user_id)s and id = %(run_id)s and deleted_at is not null

-- name: run_list
-- One page of runs. The braces are filled with fixed fragments (lists.py); lists read no content.
select id, source_type, source_id, prompt_id, name, tags, status, is_starred, settings ->> 'model' as model,
    message_count, task_count, total_tokens, total_cost, created_at, updated_at, last_message_at,
    archived_at, deleted_at, preview, last_task_status
from airuns.ai_runs
where user_id = %(user_id)s {filters}
order by {order}
limit %(limit)s

-- name: run_totals
-- Over all that a list has. Unknown is null: where no run has a known value; of no runs it is 0.
select count(*) as runs, coalesce(sum(message_count), 0)::bigint as messages,
    case when count(*) = 0 then 0 else sum(total_tokens)::bigint end as tokens,
    case when count(*) = 0 then 0 else sum(total_cost) end as cost,
    count(*) filter (where total_cost is null and task_count > 0) as unpriced
from airuns.ai_runs
where user_id = %(user_id)s {filters}

-- name: run_tags
-- Most used first.
select t.tag as name, count(*) as count
from airuns.ai_runs as r
cross join unnest(r.tags) as t (tag)
where r.user_id = %(user_id)s and r.deleted_at is null
group by t.tag
order by count(*) desc, t.tag
limit 100

-- name: run_models
-- Most used first.
select settings ->> 'model' as name, count(*) as count
from airuns.ai_runs
where user_id = %(user_id)s and deleted_at is null and settings ->> 'model' is not null
group by settings ->> 'model'
order by count(*) desc, settings ->> 'model'
limit 100

-- name: run_views
-- Each counted from an index of its own. What is archived is in its own view and in no other.
select a.there - c.archived as "all", b.starred, c.archived, d.deleted
from (
    select count(*) as there from airuns.ai_runs where user_id = %(user_id)s and deleted_at is null
) as a
cross join (
    select count(*) as starred from airuns.ai_runs
    where user_id = %(user_id)s and deleted_at is null and is_starred and archived_at is null
) as b
cross join (
    select count(*) as archived from airuns.ai_runs
    where user_id = %(user_id)s and deleted_at is null and archived_at is not null
) as c
cross join (
    select count(*) as deleted from airuns.ai_runs where user_id = %(user_id)s and deleted_at is not null
) as d

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

-- name: node_anywhere
-- Of all of the user's runs: the latest run that holds this conversation.
select m.id, m.run_id, m.depth, m.chain_hash
from airuns.ai_messages as m
join airuns.ai_runs as r on r.user_id = %(user_id)s and r.id = m.run_id
where m.user_id = %(user_id)s and m.chain_hash = any(%(hashes)s) and r.deleted_at is null
order by m.depth desc, m.id desc
limit 1

-- name: message_of_task
select id, run_id, parent_id, depth, role, content, data, chain_hash, task_id, metadata, created_at
from airuns.ai_messages
where user_id = %(user_id)s and run_id = %(run_id)s and task_id = %(task_id)s
order by id
limit 1

-- name: task_get
-- Those of a deleted run are gone with it, until it is restored; the engine sees them all the same.
select task_id, run_id, prompt_id, request_message_id, service, task_name, provider, endpoint, model, model_id,
    request_data, encode(request_hash, 'hex') as request_hash, response_text, response_data, response_info, response_errors, tool_updates,
    response_metadata, tokens_input, tokens_output, tokens_total, tokens_cache_read, tokens_cache_write_5m,
    tokens_cache_write_1h, tokens_reasoning, usage_estimated, cost, price, time_to_first_token, total_time,
    status, process_id, created_at, updated_at, completed_at
from airuns.ai_tasks as t
where user_id = %(user_id)s and task_id = %(task_id)s and (%(deleted)s or (
    select r.deleted_at from airuns.ai_runs as r where r.user_id = %(user_id)s and r.id = t.run_id) is null)

-- name: task_insert
insert into airuns.ai_tasks (user_id, task_id, run_id, request_message_id, service, task_name, provider,
    endpoint, model, model_id, request_data, request_hash, process_id)
values (%(user_id)s, %(task_id)s, %(run_id)s, %(request_message_id)s, %(service)s, %(task_name)s, %(provider)s,
    %(endpoint)s, %(model)s, %(model_id)s, %(request_data)s, %(request_hash)s, %(process_id)s)

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

-- name: task_list
-- Lists read no text; the braces are filled with fixed fragments (lists.py). Whether a run is deleted is
-- looked up for each row of the page: a join would make the planner read all that are.
select task_id, run_id, prompt_id, service, task_name, provider, model, tokens_input, tokens_output, tokens_total,
    usage_estimated, cost, time_to_first_token, total_time, status, created_at, completed_at
from airuns.ai_tasks as t
where user_id = %(user_id)s {filters} and (
    select r.deleted_at from airuns.ai_runs as r where r.user_id = %(user_id)s and r.id = t.run_id) is null
order by {order}
limit %(limit)s

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

-- name: running_of
-- With the text so far, for who joins the run.
select task_id, status, response_text
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

-- name: runs_unended
-- Tasks of these runs that still run. The braces are filled with fixed fragments (lists.py).
select t.task_id
from airuns.ai_tasks as t
where t.user_id = %(user_id)s and t.status in ('pending', 'streaming') and exists (
    select from airuns.ai_runs
    where user_id = %(user_id)s and id = t.run_id {filters})

-- name: runs_change
-- All at once, in the order of the key, as everywhere, so that none deadlock. Only what really changes is
-- returned, with what it was. The braces are filled with fixed fragments (changes.py, lists.py).
update airuns.ai_runs as r
set {change}
from (
    select id, {was} as was
    from airuns.ai_runs
    where user_id = %(user_id)s {filters}
    order by id
    for no key update
) as c
where r.user_id = %(user_id)s and r.id = c.id
returning r.id, c.was

-- name: change_insert
insert into airuns.run_changes (user_id, id, action, tag, run_ids, run_was)
values (%(user_id)s, %(change_id)s, %(action)s, %(tag)s, %(run_ids)s, %(run_was)s)

-- name: change_lock
-- Locked, so that it is undone once.
select id, action, tag, cardinality(run_ids) as count, undone_at is not null as is_undone
from airuns.run_changes
where user_id = %(user_id)s and id = %(change_id)s
for no key update

-- name: change_prompts
-- The prompts of runs that come back, held so that none is deleted meanwhile.
select p.id, p.deleted_at is not null as is_deleted
from airuns.prompts as p
where p.user_id = %(user_id)s and p.id in (
    select r.prompt_id
    from airuns.run_changes as c
    join airuns.ai_runs as r on r.user_id = %(user_id)s and r.id = any(c.run_ids)
    where c.user_id = %(user_id)s and c.id = %(change_id)s and r.deleted_at = c.created_at)
order by p.id
for key share of p

-- name: change_undo
-- Runs that something else has changed since stay as they are now.
update airuns.ai_runs as r
set {back}
from airuns.run_changes as c
cross join unnest(c.run_ids, c.run_was) as w (id, was)
where c.user_id = %(user_id)s and c.id = %(change_id)s
    and r.user_id = %(user_id)s and r.id = w.id and {unchanged}

-- name: change_undone
update airuns.run_changes
set undone_at = now()
where user_id = %(user_id)s and id = %(change_id)s
