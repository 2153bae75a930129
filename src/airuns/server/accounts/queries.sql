-- Who holds a key.
-- name: identity_of_key
select
    u.id as user_id, u.username, u.display_name, u.is_owner, null::uuid as session_id, k.id as key_id
from airuns.api_keys as k
join airuns.users as u on u.id = k.user_id
where k.key_hash = %(digest)s and k.revoked_at is null and u.is_active;

-- Once a minute is enough.
-- name: mark_key_used
update airuns.api_keys set last_used_at = now()
where key_hash = %(digest)s and revoked_at is null
    and (last_used_at is null or last_used_at < now() - interval '1 minute');

-- name: identity_of_session
select
    u.id as user_id, u.username, u.display_name, u.is_owner, s.id as session_id, null::uuid as key_id
from airuns.sessions as s
join airuns.users as u on u.id = s.user_id
where s.token_hash = %(digest)s and s.expires_at > now() and u.is_active;

-- name: extend_session
update airuns.sessions
set last_seen_at = now(), expires_at = now() + make_interval(days => %(days)s)
where token_hash = %(digest)s and expires_at > now()
    and last_seen_at < now() - interval '1 minute';

-- name: user_for_password
select id, password_hash from airuns.users where username = %(username)s and is_active;

-- name: add_session
insert into airuns.sessions (user_id, id, token_hash, user_agent, expires_at)
values (%(user_id)s, %(id)s, %(digest)s, %(user_agent)s, now() + make_interval(days => %(days)s));

-- Sessions that ran out go when their user signs in again.
-- name: drop_expired_sessions
delete from airuns.sessions where user_id = %(user_id)s and expires_at < now();

-- When the newest allowed number of failures will no longer be; no row: another try is allowed.
-- name: seconds_until_allowed
select extract(epoch from failed_at + interval '15 minutes' - now())::float8
from airuns.login_failures
where subject = %(subject)s and failed_at > now() - interval '15 minutes'
order by failed_at desc
offset %(allowed)s - 1
limit 1;

-- name: add_failure
insert into airuns.login_failures (id, subject) values (%(id)s, %(subject)s);

-- name: drop_old_failures
delete from airuns.login_failures where failed_at < now() - interval '15 minutes';

-- name: drop_failures
delete from airuns.login_failures where id = any(%(ids)s);

-- name: link_is_good
select exists (
    select from airuns.sign_in_links as l
    join airuns.users as u on u.id = l.user_id
    where l.token_hash = %(digest)s and l.used_at is null and l.expires_at > now() and u.is_active);

-- Of two that use a link at once, one finds it used.
-- name: use_link
update airuns.sign_in_links as l
set used_at = now()
from airuns.users as u
where u.id = l.user_id and u.is_active
    and l.token_hash = %(digest)s and l.used_at is null and l.expires_at > now()
returning u.id, u.password_hash is not null as has_password;

-- name: add_link
insert into airuns.sign_in_links (user_id, id, token_hash, expires_at)
values (%(user_id)s, %(id)s, %(digest)s, now() + interval '24 hours');

-- name: owner
select id, username, display_name, is_owner, is_active, created_at
from airuns.users where is_owner order by id limit 1;

-- name: anybody_signed_in
select exists (select from airuns.users where password_hash is not null)
    or exists (select from airuns.sessions)
    or exists (select from airuns.sign_in_links where used_at is not null);

-- The first user is the owner.
-- name: add_user
insert into airuns.users (id, username, display_name, password_hash, is_owner)
select
    %(id)s, %(username)s, %(display_name)s, %(password_hash)s,
    not exists (select from airuns.users where is_owner)
on conflict (username) do nothing
returning id, username, display_name, is_owner, is_active, created_at;

-- name: user_by_name
select id, username, display_name, is_owner, is_active, created_at
from airuns.users where username = %(username)s;

-- name: list_users
select id, username, display_name, is_owner, is_active, created_at
from airuns.users
where %(after)s::uuid is null or id < %(after)s
order by id desc
limit %(size)s;

-- name: set_active
update airuns.users set is_active = %(is_active)s where id = %(id)s
returning id, username, display_name, is_owner, is_active, created_at;

-- name: end_sessions_of
delete from airuns.sessions where user_id = %(user_id)s;

-- name: add_key
insert into airuns.api_keys (user_id, id, name, prefix, key_hash)
values (%(user_id)s, %(id)s, %(name)s, %(prefix)s, %(digest)s)
returning id, name, prefix, created_at, last_used_at, revoked_at, requests_per_minute;

-- name: list_keys
select id, name, prefix, created_at, last_used_at, revoked_at, requests_per_minute
from airuns.api_keys
where user_id = %(user_id)s and (%(after)s::uuid is null or id < %(after)s)
order by id desc
limit %(size)s;

-- name: limit_key
update airuns.api_keys set requests_per_minute = %(requests_per_minute)s
where user_id = %(user_id)s and id = %(id)s
returning id, name, prefix, created_at, last_used_at, revoked_at, requests_per_minute;

-- name: revoke_key
update airuns.api_keys set revoked_at = coalesce(revoked_at, now())
where user_id = %(user_id)s and id = %(id)s;

-- name: list_sessions
select id, user_agent, created_at, last_seen_at, expires_at
from airuns.sessions
where user_id = %(user_id)s and expires_at > now() and (%(after)s::uuid is null or id < %(after)s)
order by id desc
limit %(size)s;

-- name: end_session
delete from airuns.sessions where user_id = %(user_id)s and id = %(id)s;

-- name: end_other_sessions
delete from airuns.sessions where user_id = %(user_id)s and id is distinct from %(keep)s;

-- name: own_password
select password_hash from airuns.users where id = %(user_id)s;

-- name: set_password
update airuns.users set password_hash = %(password_hash)s where id = %(user_id)s;

-- name: set_display_name
update airuns.users set display_name = %(display_name)s where id = %(user_id)s;
