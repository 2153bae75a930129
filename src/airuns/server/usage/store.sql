-- What the dashboard reads: sums over hours or days. The braces are filled with fixed fragments (reading.py).

-- name: of_a_time
-- Parts of a whole time: the days in it, and the hours at both ends.
select v.about, null as step, v.value, v.detail, {sums}
from (
    select * from airuns.usage_parts_by_day
    where user_id = %(user_id)s and about = any(%(abouts)s) and at >= %(first)s and at < %(last)s {filters}
    union all
    select * from airuns.usage_parts_by_hour
    where user_id = %(user_id)s and about = any(%(abouts)s) and at = any(%(ends)s) {filters}
) as v
group by v.about, v.value, v.detail

-- name: by_step
-- Parts of each step of a time. A day (UTC) is given to the step that its noon is in; those of its hours that are in
-- another step, because midnight is at another time there, are taken from the one and added to the other.
select v.about, v.step, v.value, v.detail, {signed_sums}
from (
    select 1 as sign, date_trunc('{step}', at + interval '12 hours', %(zone)s) as step, about, value, detail, {names}
    from airuns.usage_parts_by_day
    where user_id = %(user_id)s and about = any(%(abouts)s) and at >= %(first)s and at < %(last)s
    union all
    select 1, date_trunc('{step}', at, %(zone)s), about, value, detail, {names}
    from airuns.usage_parts_by_hour
    where user_id = %(user_id)s and about = any(%(abouts)s) and at = any(%(ends)s)
    union all
    select s.sign, case s.sign when 1 then m.step else m.given end, m.about, m.value, m.detail, {moved_names}
    from (
        select date_trunc('{step}', h.at, %(zone)s) as step, h.about, h.value, h.detail, {moved_sums},
            date_trunc('{step}', date_trunc('day', h.at, 'UTC') + interval '12 hours', %(zone)s) as given
        from airuns.usage_parts_by_hour as h
        where h.user_id = %(user_id)s and h.about = any(%(abouts)s) and h.at = any(%(moved)s)
        group by step, given, h.about, h.value, h.detail
    ) as m
    cross join (values (1), (-1)) as s (sign)
) as v
group by v.about, v.step, v.value, v.detail

-- name: filtered
-- The same of what a filter has: its rows are added up by what is asked for before they are taken to their parts.
select p.about, v.step, p.value, p.detail, {sums}
from (
    select {step} as step, d.tag, {dimensions}, {sums_of_rows}
    from (
        select {columns} from airuns.usage_hourly as v
        where v.user_id = %(user_id)s and v.at >= %(since)s and v.at < %(until)s {filters}
        union all
        select {columns} from airuns.usage_changes as v
        where v.user_id = %(user_id)s and v.at >= %(since)s and v.at < %(until)s {filters}
    ) as d
    group by {groups}
) as v
cross join lateral unnest({parts}) as p
where p.about = any(%(abouts)s)
group by p.about, v.step, p.value, p.detail

-- name: names
-- Of prompts and keys, deleted and revoked ones too.
select p.id, p.name from airuns.prompts as p where p.user_id = %(user_id)s and p.id = any(%(ids)s::uuid[])
union all
select k.id, k.name from airuns.api_keys as k where k.user_id = %(user_id)s and k.id = any(%(ids)s::uuid[])
