-- What the dashboard reads: sums over hours, days or months. The braces are filled with fixed fragments (reading.py).

-- name: parts
-- Parts of a whole time: the months in it, the days before and after these, the hours at both ends, and what is not
-- folded in yet.
select {about} as about, {value} as value, {detail} as detail, {sums}
from (
    select about, value, detail, {names} from airuns.usage_parts_monthly
    where user_id = %(user_id)s and about = any(%(abouts)s)
        and at >= %(first_month)s and at < %(last_month)s {filters}
    union all
    select about, value, detail, {names} from airuns.usage_parts_daily
    where user_id = %(user_id)s and about = any(%(abouts)s) and at >= %(first)s and at < %(first_month)s {filters}
    union all
    select about, value, detail, {names} from airuns.usage_parts_daily
    where user_id = %(user_id)s and about = any(%(abouts)s) and at >= %(last_month)s and at < %(last)s {filters}
    union all
    select about, value, detail, {names} from airuns.usage_parts_hourly
    where user_id = %(user_id)s and about = any(%(abouts)s) and at = any(%(ends)s) {filters}
    union all
    select about, value, detail, {names} from airuns.usage_parts_unfolded
    where user_id = %(user_id)s and about = any(%(abouts)s) and at >= %(since)s and at < %(until)s {filters}
) as v
group by 1, 2, 3

-- name: parts_by_step
-- Parts of each step of a time. A day (UTC) is given to the step that its noon is in.
select date_trunc('{step}', at + interval '12 hours', %(zone)s) as step, value, detail, {names}
from airuns.usage_parts_daily
where user_id = %(user_id)s and about = %(about)s and at >= %(first)s and at < %(last)s {filters}
union all
select date_trunc('{step}', at, %(zone)s), value, detail, {names}
from airuns.usage_parts_hourly
where user_id = %(user_id)s and about = %(about)s and at = any(%(ends)s) {filters}
union all
select date_trunc('{step}', at, %(zone)s), value, detail, {names}
from airuns.usage_parts_unfolded
where user_id = %(user_id)s and about = %(about)s and at >= %(since)s and at < %(until)s {filters}
{moved}

-- name: moved
-- The hours of those days that are in another step, because midnight is at another time there: taken from the one and
-- added to the other.
union all
select case s.sign when 1 then m.step else m.given end, m.value, m.detail, {signed_names}
from (
    select date_trunc('{step}', h.at, %(zone)s) as step, h.value, h.detail, {sums},
        date_trunc('{step}', date_trunc('day', h.at, 'UTC') + interval '12 hours', %(zone)s) as given
    from airuns.usage_parts_hourly as h
    where h.user_id = %(user_id)s and h.about = %(about)s and h.at = any(%(moved)s) {filters}
    group by step, given, h.value, h.detail
) as m
cross join (values (1), (-1)) as s (sign)

-- name: filtered
-- Parts of a whole time, of what a filter has: one reading of it, added up by each thing.
select {about} as about, {value} as value, {detail} as detail, {sums}
from ({rows}) as v
group by grouping sets ({sets})

-- name: filtered_by_step
select date_trunc('{step}', v.at, %(zone)s) as step, {value} as value, {detail} as detail, {names}
from ({rows}) as v

-- name: rows
-- What a filter has.
select {columns} from airuns.usage_hourly as v
where v.user_id = %(user_id)s and v.at >= %(since)s and v.at < %(until)s {filters}
union all
select {columns} from airuns.usage_changes as v
where v.user_id = %(user_id)s and v.at >= %(since)s and v.at < %(until)s {filters}

-- name: ranked
-- The parts that cost most, of each thing; the first also names all that there are. A provider is what its models are,
-- an outcome what the errors of a status are. Runs have no model, key or status: nothing but runs is no part of these.
with parts as materialized (
    {parts}
), wider as (
    select about, value, detail, {names} from parts
    union all
    select 'provider', v.detail, '', {sums} from parts as v where v.about = 'model' group by v.detail
    union all
    select 'outcome', v.value, '', {sums} from parts as v where v.about = 'status' group by v.value
), ranked as (
    select *,
        row_number() over (partition by about order by tasks desc, detail collate "C", value collate "C") as by_tasks,
        row_number() over (
            partition by about
            order by case when priced > 0 or tasks = 0 then cost else -1 end desc,
                case when counted > 0 then tokens_total else 0 end desc, tasks desc,
                value collate "C", detail collate "C"
        ) as place
    from wider
    where tasks <> 0 or (runs <> 0 and about in ('all', 'prompt', 'version', 'source', 'tag'))
), named as (
    select about, array_agg(value order by place) as every_value, array_agg(detail order by place) as every_detail
    from ranked
    where %(is_named)s
    group by about
)
select r.about, null::timestamptz as step, r.value, r.detail, false as is_rest, r.place, {shown},
    n.every_value, n.every_detail
from ranked as r
left join named as n on n.about = r.about and r.place = 1
where r.place <= %(top)s or r.about in ('all', 'status', 'version') or (r.about = 'model' and r.by_tasks <= %(top)s)
order by r.about, r.place

-- name: steps
-- The sums of each step, of the parts that are told apart and of the rest.
select v.step, v.value, v.detail, v.is_rest, {sums}
from (
    select s.step, case when s.is_own then s.value else '' end as value,
        case when s.is_own then s.detail else '' end as detail, not s.is_own as is_rest, {names}
    from (select p.step, {value} as value, {detail} as detail, {is_own} as is_own, {names} from ({parts}) as p) as s
) as v
group by v.step, v.value, v.detail, v.is_rest

-- name: is_own
({value}, {detail}) in (select o.value, o.detail from unnest(%(values)s::text[], %(details)s::text[]) as o (value, detail))

-- name: names
-- Of prompts and keys, deleted and revoked ones too.
select p.id, p.name from airuns.prompts as p where p.user_id = %(user_id)s and p.id = any(%(ids)s::uuid[])
union all
select k.id, k.name from airuns.api_keys as k where k.user_id = %(user_id)s and k.id = any(%(ids)s::uuid[])
