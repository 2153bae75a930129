-- Changes of many runs at once. Each statement names the user in every term, as a cluster asks.

-- name: runs_unended
-- Tasks of these runs that still run. The braces are filled with fixed fragments (lists.py).
select t.task_id
from airuns.ai_tasks as t
where t.user_id = %(user_id)s and t.status in ('pending', 'streaming') and exists (
    select from airuns.ai_runs
    where user_id = %(user_id)s and id = t.run_id {filters})

-- name: runs_change
-- All at once, in the order of the key, as everywhere, so that none deadlock. Only what really changes is
-- returned, with what it was. The braces are filled with fixed fragments (changes.py, lists.py).
update airuns.ai_runs as r
set {change}
from (
    select id, {was} as was
    from airuns.ai_runs
    where user_id = %(user_id)s {filters}
    order by id
    for no key update
) as c
where r.user_id = %(user_id)s and r.id = c.id
returning r.id, c.was

-- name: change_insert
insert into airuns.run_changes (user_id, id, action, tag, run_ids, run_was)
values (%(user_id)s, %(change_id)s, %(action)s, %(tag)s, %(run_ids)s, %(run_was)s)

-- name: changes_forget
-- Nobody undoes what is a month old.
delete from airuns.run_changes
where user_id = %(user_id)s and created_at < now() - interval '30 days'

-- name: change_lock
-- Locked, so that it is undone once.
select id, action, tag, cardinality(run_ids) as count, undone_at is not null as is_undone
from airuns.run_changes
where user_id = %(user_id)s and id = %(change_id)s
for no key update

-- name: change_prompts
-- The prompts of runs that come back, held so that none is deleted meanwhile.
select p.id, p.deleted_at is not null as is_deleted
from airuns.prompts as p
where p.user_id = %(user_id)s and p.id in (
    select r.prompt_id
    from airuns.run_changes as c
    join airuns.ai_runs as r on r.user_id = %(user_id)s and r.id = any(c.run_ids)
    where c.user_id = %(user_id)s and c.id = %(change_id)s and r.deleted_at = c.created_at)
order by p.id
for key share of p

-- name: change_undo
-- Runs that something else has changed since stay as they are now.
update airuns.ai_runs as r
set {back}
from airuns.run_changes as c
cross join unnest(c.run_ids, c.run_was) as w (id, was)
where c.user_id = %(user_id)s and c.id = %(change_id)s
    and r.user_id = %(user_id)s and r.id = w.id and {unchanged}

-- name: change_undone
update airuns.run_changes
set undone_at = now()
where user_id = %(user_id)s and id = %(change_id)s
