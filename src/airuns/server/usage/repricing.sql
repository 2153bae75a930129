-- Repricing. Each statement names the user in every term, as a cluster asks.

-- name: tasks_to_price
-- A batch of ended tasks with their tokens, after a key; those without tokens cannot be priced.
select created_at, task_id, provider, model, tokens_input, tokens_output, tokens_cache_read, tokens_cache_write_5m,
    tokens_cache_write_1h, tokens_reasoning, usage_estimated, cost, completed_at
from airuns.ai_tasks
where user_id = %(user_id)s and created_at >= %(since)s and created_at < %(until)s
    and (created_at, task_id) > (%(after)s, %(after_id)s)
    and completed_at is not null and tokens_input is not null and tokens_output is not null
    and provider is not null and model is not null
    and (%(model)s::text is null or model = %(model)s or provider || '/' || model = %(model)s)
    and coalesce(price ->> 'source', '') <> 'caller'
order by created_at, task_id
limit %(most)s

-- name: lock_runs
-- In the order of the key, as everywhere, before the tasks.
select r.id
from airuns.ai_runs as r
where r.user_id = %(user_id)s and r.id in (
    select t.run_id from airuns.ai_tasks as t
    where t.user_id = %(user_id)s and t.task_id = any(%(task_ids)s))
order by r.id
for no key update

-- name: price_tasks
-- Where nothing has changed the cost meanwhile.
update airuns.ai_tasks as t
set cost = n.cost, price = n.price
from unnest(%(task_ids)s::uuid[], %(costs)s::numeric[], %(prices)s::json[], %(befores)s::numeric[])
    as n (task_id, cost, price, before)
where t.user_id = %(user_id)s and t.task_id = n.task_id and t.cost is not distinct from n.before

