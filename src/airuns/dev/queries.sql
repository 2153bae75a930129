-- What seeding needs beside COPY; all runs as a superuser, in sessions without triggers.

-- name: user_add
insert into airuns.users (id, username, display_name, is_owner)
values (%(id)s, %(username)s, %(username)s, not exists (select from airuns.users where is_owner))
on conflict (username) do nothing

-- name: users_named
-- In the order of the names.
select u.id
from unnest(%(names)s::text[]) with ordinality as n (name, place)
join airuns.users as u on u.username = n.name
order by n.place

-- name: owner_name
select username from airuns.users where is_owner order by id limit 1

-- name: model_add
insert into airuns.ai_models (user_id, id, provider, name)
values (%(user_id)s, %(id)s, %(provider)s, %(name)s)
on conflict do nothing

-- name: key_add
-- Whose text nobody knows, and which is revoked: it only gives tasks where they came from.
insert into airuns.api_keys (user_id, id, name, prefix, key_hash, created_at, revoked_at)
values (%(user_id)s, %(id)s, %(name)s, 'air_seeded', %(key_hash)s, %(at)s, now())
on conflict do nothing

-- name: prompt_add
insert into airuns.prompts (user_id, id, name, version, created_at, updated_at)
values (%(user_id)s, %(id)s, %(name)s, %(version)s, %(at)s, %(at)s)
on conflict do nothing

-- name: version_add
insert into airuns.prompt_versions (user_id, id, prompt_id, version, messages, variables, created_at)
values (%(user_id)s, gen_random_uuid(), %(id)s, %(version)s, %(messages)s, %(variables)s, %(at)s)
on conflict do nothing

-- name: run_is_there
select from airuns.ai_runs where user_id = %(user_id)s and id = %(run_id)s
