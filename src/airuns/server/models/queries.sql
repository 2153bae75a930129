-- The statements of providers, models and prices. Each names the user in every term, as a cluster asks.

-- name: provider_list
select name, protocol, base_url, key_encrypted, created_at, updated_at
from airuns.model_providers
where user_id = %(user_id)s
order by name

-- name: provider_put
-- keep_key: the caller sent no key and cannot read the one that is there, so it stays.
insert into airuns.model_providers as p (user_id, id, name, protocol, base_url, key_encrypted)
values (%(user_id)s, %(id)s, %(name)s, %(protocol)s, %(base_url)s, %(key_encrypted)s)
on conflict (user_id, name) do update
set protocol = excluded.protocol,
    base_url = excluded.base_url,
    key_encrypted = case when %(keep_key)s then p.key_encrypted else excluded.key_encrypted end
where p.user_id = %(user_id)s

-- name: provider_delete
delete from airuns.model_providers
where user_id = %(user_id)s and name = %(name)s

-- name: model_find
select id
from airuns.ai_models
where user_id = %(user_id)s and provider = %(provider)s and name = %(name)s

-- name: model_use
select id, price_input as input, price_output as output, price_cache_read as cache_read,
    price_cache_write_5m as cache_write_5m, price_cache_write_1h as cache_write_1h
from airuns.ai_models
where user_id = %(user_id)s and provider = %(provider)s and name = %(name)s

-- name: model_add
-- Two first uses at once: one adds the row, the other finds it.
insert into airuns.ai_models (user_id, id, provider, name)
values (%(user_id)s, %(id)s, %(provider)s, %(name)s)
on conflict (user_id, provider, name) do nothing

-- name: model_list
-- What a user has used or priced, which the price table may not know.
select provider, name, context_size, price_input as input, price_output as output,
    price_cache_read as cache_read, price_cache_write_5m as cache_write_5m,
    price_cache_write_1h as cache_write_1h
from airuns.ai_models
where user_id = %(user_id)s
order by provider, name

-- name: model_recent
-- The last 200 tasks tell what somebody works with; older ones are not read.
select m.provider || '/' || m.name as model
from (
    select model_id, created_at
    from airuns.ai_tasks
    where user_id = %(user_id)s and model_id is not null
    order by created_at desc, task_id desc
    limit 200
) as t
join airuns.ai_models as m on m.user_id = %(user_id)s and m.id = t.model_id
group by m.provider, m.name
order by max(t.created_at) desc
limit 5

-- name: price_get
select price_input as input, price_output as output, price_cache_read as cache_read,
    price_cache_write_5m as cache_write_5m, price_cache_write_1h as cache_write_1h
from airuns.ai_models
where user_id = %(user_id)s and provider = %(provider)s and name = %(name)s
    and price_input is not null and price_output is not null

-- name: price_set
update airuns.ai_models
set price_input = %(input)s,
    price_output = %(output)s,
    price_cache_read = %(cache_read)s,
    price_cache_write_5m = %(cache_write_5m)s,
    price_cache_write_1h = %(cache_write_1h)s
where user_id = %(user_id)s and id = %(id)s

-- name: price_clear
update airuns.ai_models
set price_input = null,
    price_output = null,
    price_cache_read = null,
    price_cache_write_5m = null,
    price_cache_write_1h = null
where user_id = %(user_id)s and provider = %(provider)s and name = %(name)s
    and price_input is not null
