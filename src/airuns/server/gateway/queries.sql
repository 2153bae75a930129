-- What the gateway asks: aliases of models, and how many calls a key may make.

-- name: alias_list
select name, model, fallbacks, created_at, updated_at
from airuns.model_aliases
where user_id = %(user_id)s
order by name

-- name: alias_put
insert into airuns.model_aliases (user_id, id, name, model, fallbacks)
values (%(user_id)s, %(id)s, %(name)s, %(model)s, %(fallbacks)s)
on conflict (user_id, name) do update set model = excluded.model, fallbacks = excluded.fallbacks
where model_aliases.user_id = %(user_id)s

-- name: alias_count
select count(*) from airuns.model_aliases where user_id = %(user_id)s and name <> %(name)s

-- name: alias_delete
delete from airuns.model_aliases where user_id = %(user_id)s and name = %(name)s

-- name: key_limit
select requests_per_minute from airuns.api_keys where user_id = %(user_id)s and id = %(key_id)s
