-- What the dashboard reads: sums over hours or days. The braces are filled with fixed fragments (store.py).

-- name: sums
-- All breakdowns in one pass over the rows, and those without steps from what it leaves of them, which is less.
-- `groups` says which it is: the bits of the columns that a row is not about.
with base as materialized (
    select grouping(u.step, u.source_type, u.prompt_id, u.provider, u.model, u.key_id, u.status, u.error_code) as groups,
        u.step, u.source_type, u.prompt_id, u.provider, u.model, u.key_id, u.status, u.error_code, {sums}
    from (
        select date_trunc('{step}', v.at, %(zone)s) as step, v.*
        from airuns.{view} as v
        where v.user_id = %(user_id)s and v.at >= %(since)s and v.at < %(until)s {filters}
    ) as u
    group by grouping sets (
        (u.source_type, u.prompt_id, u.provider, u.model, u.key_id, u.status, u.error_code), {step_sets})
)
select u.groups, u.step, u.source_type, u.prompt_id, u.provider, u.model, u.key_id, u.status, u.error_code, {names}
from base as u
where u.step is not null
union all
select {no_step} + grouping(u.source_type, u.prompt_id, u.provider, u.model, u.key_id, u.status, u.error_code),
    null, u.source_type, u.prompt_id, u.provider, u.model, u.key_id, u.status, u.error_code, {sums_of_sums}
from base as u
where u.step is null
group by grouping sets ({sets})

-- name: latencies
-- By model and of all models, as a whole and step by step: histograms add up. `groups` has the bits of model, step.
select grouping(u.model, u.step) as groups, u.step, u.provider, u.model, sum(u.tasks) as tasks,
    sum(u.first_token_tasks) as first_token_tasks, sum(u.first_token_us) as first_token_us,
    sum(u.first_token_histogram) as first_token_histogram, sum(u.total_time_tasks) as total_time_tasks,
    sum(u.total_time_us) as total_time_us, sum(u.total_time_histogram) as total_time_histogram,
    sum(u.generated_tokens) as generated_tokens, sum(u.generated_us) as generated_us
from (
    select date_trunc('{step}', v.at, %(zone)s) as step, v.*
    from airuns.{view} as v
    where v.user_id = %(user_id)s and v.at >= %(since)s and v.at < %(until)s and v.tasks <> 0 {filters}
) as u
group by grouping sets ((u.provider, u.model), (u.provider, u.model, u.step), (), (u.step))

-- name: tag_sums
-- A run counts for each of its tags, as a whole and, where `sets` says so, step by step.
select {groups} as groups, {at} as step, u.tag, {sums}
from (
    select date_trunc('{step}', v.at, %(zone)s) as step, v.*
    from airuns.{view} as v
    where v.user_id = %(user_id)s and v.at >= %(since)s and v.at < %(until)s and v.tag is not null {filters}
) as u
group by grouping sets ({sets})

-- name: totals
select {sums}
from airuns.{view} as v
where v.user_id = %(user_id)s and v.at >= %(since)s and v.at < %(until)s {filters}

-- name: spent_by_day
select v.at, sum(v.priced) as priced, sum(v.cost) as cost
from airuns.usage_by_day as v
where v.user_id = %(user_id)s and v.at >= %(since)s {filters}
group by v.at
having sum(v.priced) > 0
order by v.at

-- name: names
-- Of prompts and keys, deleted and revoked ones too.
select p.id, p.name from airuns.prompts as p where p.user_id = %(user_id)s and p.id = any(%(ids)s::uuid[])
union all
select k.id, k.name from airuns.api_keys as k where k.user_id = %(user_id)s and k.id = any(%(ids)s::uuid[])
