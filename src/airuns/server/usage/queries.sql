-- Usage: how it is kept and checked. What the dashboard reads is in store.sql.

-- name: changed_users
-- Whose usage has changes that are not folded in yet; read by the server's upkeep.
select distinct user_id from airuns.usage_changes limit %(most)s

-- name: fold
select airuns.fold_usage(%(user_id)s, %(most)s)

-- name: alone
-- So that tasks that end meanwhile are either all seen or all not.
set transaction isolation level repeatable read

-- name: rebuild
select airuns.rebuild_usage(%(user_id)s)

-- name: wrong_runs
-- Runs whose counts and totals are not those of their tasks.
select r.id, r.task_count, t.tasks, r.ended_task_count, t.ended, r.counted_task_count, t.counted,
    r.priced_task_count, t.priced, r.total_tokens, t.tokens, r.total_cost, t.cost
from airuns.ai_runs as r
left join lateral (
    select count(*) as tasks, count(x.completed_at) as ended, count(x.tokens_total) as counted,
        count(x.cost) as priced,
        case when count(x.tokens_total) > 0 or count(x.completed_at) = 0
            then coalesce(sum(x.tokens_total), 0) end as tokens,
        case when count(x.cost) > 0 or count(x.completed_at) = 0 then coalesce(sum(x.cost), 0) end as cost
    from airuns.ai_tasks as x
    where x.user_id = %(user_id)s and x.run_id = r.id
) as t on true
where r.user_id = %(user_id)s
    and (r.task_count, r.ended_task_count, r.counted_task_count, r.priced_task_count, r.total_tokens, r.total_cost)
        is distinct from (t.tasks, t.ended, t.counted, t.priced, t.tokens, t.cost)
order by r.id
limit %(most)s

-- name: repair_runs
update airuns.ai_runs as r
set task_count = t.tasks, ended_task_count = t.ended, counted_task_count = t.counted,
    priced_task_count = t.priced, total_tokens = t.tokens, total_cost = t.cost
from (
    select y.id, count(x.task_id) as tasks, count(x.completed_at) as ended, count(x.tokens_total) as counted,
        count(x.cost) as priced,
        case when count(x.tokens_total) > 0 or count(x.completed_at) = 0
            then coalesce(sum(x.tokens_total), 0) end as tokens,
        case when count(x.cost) > 0 or count(x.completed_at) = 0 then coalesce(sum(x.cost), 0) end as cost
    from airuns.ai_runs as y
    left join airuns.ai_tasks as x on x.user_id = %(user_id)s and x.run_id = y.id
    where y.user_id = %(user_id)s and y.id = any(%(run_ids)s)
    group by y.id
) as t
where r.user_id = %(user_id)s and r.id = t.id

-- name: wrong_usage
-- The sums by everything at once, with their changes, beside what they should be, from the tasks themselves.
with kept as (
    select at, tag, {dimensions}, {measures} from airuns.usage_hourly where user_id = %(user_id)s
    union all
    select at, tag, {dimensions}, {measures} from airuns.usage_changes where user_id = %(user_id)s
), due as (
    select u.at, l.tag, {dimensions}, {measures}
    from airuns.task_usage as u
    join (select id, tags from airuns.ai_runs where user_id = %(user_id)s) as r on r.id = u.run_id
    cross join lateral (select '' union select unnest(r.tags)) as l (tag)
    where u.user_id = %(user_id)s
    union all
    select r.at, l.tag, r.source_type, r.prompt_id, r.prompt_version, '', '', '00000000-0000-0000-0000-000000000000',
        '', '', {of_a_run}
    from airuns.run_usage as r
    cross join lateral (select '' union select unnest(r.tags)) as l (tag)
    where r.user_id = %(user_id)s
), compared as (
    select at, tag, {dimensions}, {kept_sums}, {due_sums}
    from (select true as is_kept, * from kept union all select false, * from due) as b
    group by at, tag, {dimensions}
)
select *
from compared
where ({kept_names}) is distinct from ({due_names})
order by at, tag, {dimensions}
limit %(most)s

-- name: wrong_parts
-- The sums by one thing alone beside those by everything at once, which are folded with them; in steps of {step}.
with compared as (
    select at, about, value, detail, {kept_sums}, {due_sums}
    from (
        select true as is_kept, at, about, value, detail, {measures} from airuns.{table} where user_id = %(user_id)s
        union all
        select false, date_trunc('{step}', d.at, 'UTC'), d.about, d.value, d.detail, {measures}
        from airuns.usage_parts_due as d where d.user_id = %(user_id)s
    ) as b
    group by at, about, value, detail
)
select *
from compared
where ({kept_names}) is distinct from ({due_names})
order by at, about, value, detail
limit %(most)s

-- name: users_after
-- Everybody, by key: for what looks at all users, one after another.
select id, username from airuns.users where id > %(after)s order by id limit %(most)s
