-- What a user has beside runs, for the archive of everything. Each statement names the user in every term, as a
-- cluster asks.

-- name: owner
select username, display_name
from airuns.users
where id = %(user_id)s

-- name: providers
-- That there is a key is said, and the key is not: an archive lies about in folders and mailboxes.
select id, name, protocol, base_url, key_encrypted is not null as has_key, created_at, updated_at
from airuns.model_providers
where user_id = %(user_id)s
order by id

-- name: aliases
select id, name, model, fallbacks, created_at, updated_at
from airuns.model_aliases
where user_id = %(user_id)s
order by id

-- name: models
-- With the user's own sizes and prices.
select id, provider, name, context_size, trim_scale(price_input) as price_input,
    trim_scale(price_output) as price_output, trim_scale(price_cache_read) as price_cache_read,
    trim_scale(price_cache_write_5m) as price_cache_write_5m, trim_scale(price_cache_write_1h) as price_cache_write_1h,
    created_at, updated_at
from airuns.ai_models
where user_id = %(user_id)s
order by id

-- name: prompts
-- A page of all prompts, with runs or without, deleted ones too.
select id, name, description, tags, version, created_at, updated_at, deleted_at
from airuns.prompts
where user_id = %(user_id)s and id > %(after)s
order by id
limit 100

-- name: budgets
select id, name, key_id, prompt_id, period, trim_scale(amount) as amount, is_hard, created_at, updated_at
from airuns.budgets
where user_id = %(user_id)s
order by id

-- name: rules
-- Of old runs; what became of them is state of this server.
select rules::text as rules
from airuns.retention
where user_id = %(user_id)s and json_array_length(rules) > 0
