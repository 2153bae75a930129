-- What erasing a user needs beside the statements that are made from the catalog.

-- name: tables
-- Every table that has a user, and what the two roles may do there.
select c.relname as name, a.attname as user_column,
    (select array_agg(k.attname order by x.place)
     from pg_catalog.pg_index as i
     cross join unnest(i.indkey::smallint[]) with ordinality as x (number, place)
     join pg_catalog.pg_attribute as k on k.attrelid = c.oid and k.attnum = x.number
     where i.indrelid = c.oid and i.indisprimary) as key,
    has_column_privilege('airuns_app', c.oid, a.attnum, 'select') as app_reads,
    has_table_privilege('airuns_app', c.oid, 'delete') as app_deletes,
    has_column_privilege('airuns_service', c.oid, a.attnum, 'select') as service_reads,
    has_table_privilege('airuns_service', c.oid, 'delete') as service_deletes
from pg_catalog.pg_class as c
join pg_catalog.pg_attribute as a on a.attrelid = c.oid
    and a.attname = case c.relname when 'users' then 'id' else 'user_id' end
where c.relnamespace = 'airuns'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
order by c.relname

-- name: tasks_stop
-- Once each; those of callers who call the model themselves are nobody's to stop.
update airuns.ai_tasks
set cancel_requested_at = coalesce(cancel_requested_at, now())
where user_id = %(user_id)s and completed_at is null and process_id is not null
    and status in ('pending', 'streaming')

-- name: user_read
select id, username, display_name, is_owner, is_active, created_at
from airuns.users
where id = %(user_id)s

-- name: keep_lease
-- Where a server erases in the background.
update airuns.retention
set leased_until = now() + interval '1 minute'
where user_id = %(user_id)s and leased_until is not null

-- name: runs_take
select id
from airuns.ai_runs
where user_id = %(user_id)s
order by id
limit %(limit)s

-- name: runs_delete
update airuns.ai_runs
set deleted_at = now()
where user_id = %(user_id)s and id = any(%(run_ids)s) and deleted_at is null

-- name: login_failures_drop
delete from airuns.login_failures where subject = 'user ' || %(username)s

-- name: user_drop
delete from airuns.users where id = %(user_id)s

-- name: other_owner
select exists (select from airuns.users where is_owner and is_active and id <> %(user_id)s)
