-- What the pages of prompts read beside the lists of the API. Each names the user in every term.

-- name: contents
-- What the rows of a page say of their newest versions, without the texts of their messages.
select p.id, v.settings ->> 'model' as model,
    array(select e.variable ->> 'name' from json_array_elements(v.variables) as e (variable)) as variables
from airuns.prompts as p
join airuns.prompt_versions as v on v.user_id = %(user_id)s and v.prompt_id = p.id and v.version = p.version
where p.user_id = %(user_id)s and p.id = any(%(ids)s)

-- name: count_prompts
-- For the header, and to tell an empty store from a search without a match.
select count(*) filter (where deleted_at is null) as kept, count(*) filter (where deleted_at is not null) as deleted
from airuns.prompts
where user_id = %(user_id)s

-- name: count_runs
-- Counted from runs_of_source alone.
select count(*)
from airuns.ai_runs
where user_id = %(user_id)s and source_type = 'prompt' and source_id = %(prompt_id)s::uuid::text
    and deleted_at is null

-- name: execution
-- One execution in full: what was asked since the last answer, the answer, and what it took.
select t.task_id as id, t.run_id, t.prompt_id, r.prompt_version, t.status, t.provider, t.model,
    airuns.task_prompt_text(%(user_id)s, t.request_message_id) as prompt_text, t.response_text as response,
    t.response_errors ->> 'message' as error_message, t.tokens_input, t.tokens_cache_read, t.tokens_output,
    t.usage_estimated, t.cost, t.time_to_first_token, t.total_time
from airuns.ai_tasks as t
join airuns.ai_runs as r on r.user_id = %(user_id)s and r.id = t.run_id
where t.user_id = %(user_id)s and t.prompt_id = %(prompt_id)s and t.task_id = %(task_id)s and r.deleted_at is null
