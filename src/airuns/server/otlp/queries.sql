-- name: tools_asked_for
-- The tools that the newest answers of some runs ask for; a run of an agent has few between a call and its use.
select wanted.run_id, t.task_id, t.calls
from unnest(%(run_ids)s::uuid[]) as wanted (run_id)
cross join lateral (
    select a.task_id, a.response_data -> 'tool_calls' as calls
    from airuns.ai_tasks as a
    where a.user_id = %(user_id)s and a.run_id = wanted.run_id
    order by a.created_at desc, a.task_id desc
    limit 20
) as t
where json_typeof(t.calls) = 'array'
