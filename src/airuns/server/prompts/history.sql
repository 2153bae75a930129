-- The executions of a prompt, newest first, served in order by tasks_of_prompt; filters pass over what they do not want.
-- The braces are filled with fixed fragments (history.py).

-- name: history
-- In full, as prompt_run_history shows it.
select t.task_id as id, t.run_id, t.prompt_id, r.prompt_version,
    airuns.task_prompt_text(%(user_id)s, t.request_message_id) as prompt_text, t.response_text as response, t.model,
    t.tokens_total as tokens_used, t.cost, (t.total_time * 1000)::bigint as execution_time_ms,
    case t.status when 'completed' then 'success' when 'streaming' then 'pending' else t.status end as status,
    t.response_errors ->> 'message' as error_message, t.created_at
from airuns.ai_tasks as t
join airuns.ai_runs as r on r.user_id = %(user_id)s and r.id = t.run_id
where t.user_id = %(user_id)s and t.prompt_id = %(prompt_id)s and r.deleted_at is null {filters}
order by t.created_at desc, t.task_id desc
limit %(limit)s

-- name: executions
-- As lines: no text is read but the beginning of what was asked.
select t.task_id as id, t.run_id, r.prompt_version,
    case t.status when 'completed' then 'success' when 'streaming' then 'pending' else t.status end as status,
    t.model, t.tokens_input, t.tokens_output, t.cost, (t.total_time * 1000)::bigint as execution_time_ms,
    left(m.content, 200) as asked, left(t.response_errors ->> 'message', 200) as error_message, t.created_at
from airuns.ai_tasks as t
join airuns.ai_runs as r on r.user_id = %(user_id)s and r.id = t.run_id
left join airuns.ai_messages as m on m.user_id = %(user_id)s and m.id = t.request_message_id
where t.user_id = %(user_id)s and t.prompt_id = %(prompt_id)s and r.deleted_at is null {filters}
order by t.created_at desc, t.task_id desc
limit %(limit)s
