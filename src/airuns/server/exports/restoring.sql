-- What an archive of everything brings beside runs and prompts, a row as JSON each. Nothing is changed that is there.

-- name: provider_add
-- Its key is in no archive.
insert into airuns.model_providers (user_id, id, name, protocol, base_url, created_at, updated_at)
select %(user_id)s, p.id, p.name, p.protocol, p.base_url, p.created_at, p.updated_at
from json_to_record(%(row)s::json) as p (id uuid, name text, protocol text, base_url text,
    created_at timestamptz, updated_at timestamptz)
on conflict do nothing

-- name: alias_add
insert into airuns.model_aliases (user_id, id, name, model, fallbacks, created_at, updated_at)
select %(user_id)s, a.id, a.name, a.model, a.fallbacks, a.created_at, a.updated_at
from json_to_record(%(row)s::json) as a (id uuid, name text, model text, fallbacks text[],
    created_at timestamptz, updated_at timestamptz)
on conflict do nothing

-- name: model_add
-- By its name: of one that is there the id is taken, whatever the archive says.
insert into airuns.ai_models (user_id, id, provider, name, context_size, price_input, price_output, price_cache_read,
    price_cache_write_5m, price_cache_write_1h, created_at, updated_at)
select %(user_id)s, m.id, m.provider, m.name, m.context_size, m.price_input, m.price_output, m.price_cache_read,
    m.price_cache_write_5m, m.price_cache_write_1h, coalesce(m.created_at, now()), coalesce(m.updated_at, now())
from json_to_record(%(row)s::json) as m (id uuid, provider text, name text, context_size integer,
    price_input numeric, price_output numeric, price_cache_read numeric, price_cache_write_5m numeric,
    price_cache_write_1h numeric, created_at timestamptz, updated_at timestamptz)
on conflict do nothing

-- name: budget_add
insert into airuns.budgets (user_id, id, name, key_id, prompt_id, period, amount, is_hard, created_at, updated_at)
select %(user_id)s, b.id, b.name, b.key_id, b.prompt_id, b.period, b.amount, b.is_hard, b.created_at, b.updated_at
from json_to_record(%(row)s::json) as b (id uuid, name text, key_id uuid, prompt_id uuid, period text,
    amount numeric, is_hard boolean, created_at timestamptz, updated_at timestamptz)
on conflict do nothing

-- name: rules_set
-- Where there are none. They are applied in six hours and not at once: what has just come is as old as it was.
insert into airuns.retention as r (user_id, rules, due_at)
select %(user_id)s, x.rules, now() + interval '6 hours'
from json_to_record(%(row)s::json) as x (rules json)
on conflict (user_id) do update set rules = excluded.rules, due_at = excluded.due_at
where json_array_length(r.rules) = 0
