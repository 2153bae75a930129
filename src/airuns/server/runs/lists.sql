-- Lists of runs and tasks. Each statement names the user in every term, as a cluster asks.

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
-- Over all that a list has, or over `most` of them. Unknown is null: where no run has a known value; of no runs it is 0.
select count(*) as runs, coalesce(sum(message_count), 0)::bigint as messages,
    case when count(*) = 0 then 0 else sum(total_tokens)::bigint end as tokens,
    case when count(*) = 0 then 0 else sum(total_cost) end as cost,
    count(*) filter (where total_cost is null and task_count > 0) as unpriced
from (
    select message_count, total_tokens, total_cost, task_count
    from airuns.ai_runs
    where user_id = %(user_id)s {filters}
    limit %(most)s
) as r

-- name: run_tags
-- Most used first, in the newest runs.
select t.tag as name, count(*) as count
from (
    select tags
    from airuns.ai_runs
    where user_id = %(user_id)s and deleted_at is null
    order by last_message_at desc, id desc
    limit %(newest)s
) as r
cross join unnest(r.tags) as t (tag)
group by t.tag
order by count(*) desc, t.tag
limit 100

-- name: run_models
-- Most used first, in the newest runs.
select r.model as name, count(*) as count
from (
    select settings ->> 'model' as model
    from airuns.ai_runs
    where user_id = %(user_id)s and deleted_at is null
    order by last_message_at desc, id desc
    limit %(newest)s
) as r
where r.model is not null
group by r.model
order by count(*) desc, r.model
limit 100

-- name: run_views
-- Each counted from an index of its own, up to `most`. What is archived is in its own view and in no other.
select a.runs as "all", b.runs as starred, c.runs as archived, d.runs as deleted
from (
    select count(*) as runs from (
        select from airuns.ai_runs where user_id = %(user_id)s and deleted_at is null and archived_at is null
        limit %(most)s) as r
) as a
cross join (
    select count(*) as runs from (
        select from airuns.ai_runs
        where user_id = %(user_id)s and deleted_at is null and is_starred and archived_at is null
        limit %(most)s) as r
) as b
cross join (
    select count(*) as runs from (
        select from airuns.ai_runs where user_id = %(user_id)s and deleted_at is null and archived_at is not null
        limit %(most)s) as r
) as c
cross join (
    select count(*) as runs from (
        select from airuns.ai_runs where user_id = %(user_id)s and deleted_at is not null
        limit %(most)s) as r
) as d

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

-- name: running_of
-- With the text so far, for who joins the run.
select task_id, status, response_text
from airuns.ai_tasks
where user_id = %(user_id)s and run_id = %(run_id)s and status in ('pending', 'streaming')
order by created_at
