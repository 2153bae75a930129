-- For people who query SQL directly. Views run with the rights of whoever reads them.

create view airuns.run_summaries with (security_invoker = true) as
select
    user_id, id, source_type, source_id, name, tags, status, is_starred,
    archived_at is not null as is_archived, message_count, task_count, total_tokens, total_cost,
    settings ->> 'model' as model, created_at, last_message_at
from airuns.ai_runs
where deleted_at is null;
comment on view airuns.run_summaries is 'One row a run that is not deleted.';

create view airuns.prompt_runs_with_details with (security_invoker = true) as
select
    r.user_id, r.id, r.name, r.status, r.message_count, r.task_count, r.total_tokens, r.total_cost,
    r.is_starred, r.variable_values, r.prompt_version, r.last_message_at, r.created_at,
    p.id as prompt_id, p.name as prompt_name
from airuns.ai_runs as r
join airuns.prompts as p on p.user_id = r.user_id and p.id = r.prompt_id
where r.deleted_at is null;
comment on view airuns.prompt_runs_with_details is 'Runs of prompts, with the prompt''s name.';

create view airuns.task_analytics with (security_invoker = true) as
select
    user_id, (created_at at time zone 'UTC')::date as day, provider, model, status,
    count(*) as task_count,
    sum(tokens_input) as tokens_input, sum(tokens_output) as tokens_output, sum(tokens_total) as tokens_total,
    sum(cost) as cost, count(*) - count(cost) as unpriced_task_count,
    avg(time_to_first_token) as avg_time_to_first_token, avg(total_time) as avg_total_time
from airuns.ai_tasks
group by user_id, day, provider, model, status;
comment on view airuns.task_analytics is 'Tasks per day (UTC), provider, model and status; times in seconds, cost in USD.';

create function airuns.task_prompt_text(of_user uuid, node uuid) returns text
    language plpgsql stable set search_path = '' as $$
begin
    return (
        with recursive line as (
            select m.user_id, m.parent_id, m.depth, m.role, m.content
            from airuns.ai_messages as m
            where m.user_id = of_user and m.id = node
            union all
            select m.user_id, m.parent_id, m.depth, m.role, m.content
            from line as l
            join airuns.ai_messages as m on m.user_id = of_user and m.id = l.parent_id
            where m.role <> 'assistant'
        )
        select string_agg(content, e'\n\n' order by depth) from line
    );
end
$$;
comment on function airuns.task_prompt_text(uuid, uuid) is 'What a task asked: the messages since the last answer before it.';

create view airuns.prompt_run_history with (security_invoker = true) as
select
    t.task_id as id, t.prompt_id, t.user_id,
    airuns.task_prompt_text(t.user_id, t.request_message_id) as prompt_text,
    t.response_text as response, t.model, t.tokens_total as tokens_used,
    (t.total_time * 1000)::bigint as execution_time_ms,
    case t.status when 'completed' then 'success' when 'streaming' then 'pending' else t.status end as status,
    t.response_errors ->> 'message' as error_message,
    t.created_at, t.run_id, r.prompt_version, t.cost
from airuns.ai_tasks as t
join airuns.ai_runs as r on r.user_id = t.user_id and r.id = t.run_id
where t.prompt_id is not null and r.deleted_at is null;
comment on view airuns.prompt_run_history is 'Every execution of a prompt. Status is success, error, timeout, pending or cancelled.';

grant select on airuns.run_summaries, airuns.prompt_runs_with_details, airuns.task_analytics,
    airuns.prompt_run_history to airuns_app;
