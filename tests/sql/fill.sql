-- 100,000 prompts and runs of one user, each run with a message and a task, as the triggers would make them.

create temporary view numbers as
select n, current_setting('fill.user_id')::uuid as user_id,
    format('00000000-0000-0000-0001-%s', lpad(to_hex(n), 12, '0'))::uuid as prompt_id,
    format('00000000-0000-0000-0001-%s', lpad(to_hex(n % 100 + 1), 12, '0')) as source_id,
    format('00000000-0000-0000-0002-%s', lpad(to_hex(n), 12, '0'))::uuid as run_id,
    timestamptz '2026-01-01' + n * interval '1 second' as at
from generate_series(1, 100000) as n;

insert into airuns.prompts (user_id, id, name, updated_at, deleted_at)
select user_id, prompt_id, 'Prompt ' || n % 9973, at, case when n % 10 = 0 then at end
from numbers;

insert into airuns.prompt_versions (user_id, id, prompt_id, version, messages)
select user_id, prompt_id, prompt_id, 1, '[]'
from numbers;

insert into airuns.ai_runs (user_id, id, source_type, source_id, name, is_starred, message_count, task_count,
    ended_task_count, counted_task_count, priced_task_count, total_tokens, total_cost, created_at,
    last_message_at, deleted_at, archived_at, settings, tags, preview, last_task_id, last_task_status)
select user_id, run_id, 'prompt', source_id, 'Run ' || n % 9973, n % 50 = 0, n % 97, 1, 1, 1, 1, 100,
    (n % 1000) / 1000.0, at, at, case when n % 20 = 0 then at end, case when n % 40 = 1 then at end,
    '{"model": "openai/gpt-4o-mini"}',
    array['tag ' || n % 30], repeat('Answer ', 20), run_id, 'completed'
from numbers;

insert into airuns.ai_messages (user_id, id, run_id, depth, role, content, chain_hash)
select user_id, run_id, run_id, 0, 'user', 'Question', sha256(int4send(n))
from numbers;

insert into airuns.ai_tasks (user_id, task_id, run_id, source_type, prompt_id, request_message_id, status, model, response_text,
    tokens_total, cost, created_at, completed_at)
select user_id, run_id, run_id, 'prompt', source_id::uuid, run_id, 'completed', 'm', 'Answer', 100, 0.01, at, at
from numbers;

drop view numbers;
