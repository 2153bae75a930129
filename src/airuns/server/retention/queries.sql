-- Old runs and what is done with them. Each statement names the user in every term, as a cluster asks.

-- name: read
select rules, last_pass, emptying, erase_asked_at, due_at
from airuns.retention
where user_id = %(user_id)s

-- name: put_rules
-- They are applied at once: who changes them wants to see what they do.
insert into airuns.retention (user_id, rules, due_at)
values (%(user_id)s, %(rules)s, now())
on conflict (user_id) do update set rules = excluded.rules, due_at = excluded.due_at

-- name: lock
-- Made when there is none, so that two who ask at once take turns.
insert into airuns.retention (user_id)
values (%(user_id)s)
on conflict (user_id) do update set rules = retention.rules
returning emptying

-- name: put_emptying
update airuns.retention
set emptying = %(emptying)s, due_at = now()
where user_id = %(user_id)s

-- name: matching
-- What a rule would change now. The braces are filled with fixed fragments (store.py, lists.py).
select count(*) as runs, coalesce(sum(message_count), 0)::bigint as messages, min(last_message_at) as oldest
from airuns.ai_runs
where user_id = %(user_id)s {filters}

-- name: next_runs
-- The next runs after a place in the order, as many as have a batch's worth of rows, one at least.
-- The braces are filled with fixed fragments (store.py, lists.py).
select n.id, n.at
from (
    select id, {at} as at,
        sum(message_count + task_count + 1) over (order by {at}, id) - (message_count + task_count) as rows_so_far
    from (
        select id, {at}, message_count, task_count
        from airuns.ai_runs
        where user_id = %(user_id)s {filters} and ({at}, id) > (%(after_at)s, %(after_id)s)
        order by {at}, id
        limit %(limit)s
    ) as p
) as n
where n.rows_so_far <= %(most_rows)s
order by n.at, n.id

-- name: prompts_purge
-- Deleted prompts go when the last of their runs has gone.
delete from airuns.prompts as p
where p.user_id = %(user_id)s and p.deleted_at < %(before)s and not exists (
    select from airuns.ai_runs as r where r.user_id = %(user_id)s and r.prompt_id = p.id)

-- name: ask_erasure
insert into airuns.retention (user_id, erase_asked_at, due_at)
values (%(user_id)s, now(), now())
on conflict (user_id) do update set erase_asked_at = now(), due_at = now()

-- name: note_pass
update airuns.retention
set last_pass = %(state)s, leased_until = now() + interval '1 minute'
where user_id = %(user_id)s

-- name: note_emptying
update airuns.retention
set emptying = %(state)s, leased_until = now() + interval '1 minute'
where user_id = %(user_id)s

-- name: claim
-- One user at a time over all processes; a process that has died loses its lease.
update airuns.retention
set leased_until = now() + interval '1 minute'
where user_id = (
        select r.user_id
        from airuns.retention as r
        where r.due_at <= now() and (r.leased_until is null or r.leased_until < now())
        order by r.due_at
        limit 1
        for update skip locked)
    and not exists (select from airuns.retention as o where o.leased_until > now())
returning user_id

-- name: release
-- Who asked for something meanwhile has made it due again.
update airuns.retention
set leased_until = null,
    due_at = case
        when due_at is distinct from %(due_at)s then due_at
        when %(hours)s::float8 is not null then now() + make_interval(secs => %(hours)s * 3600)
    end
where user_id = %(user_id)s
