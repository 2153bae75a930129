-- Budgets. Each statement names the user in every term, as a cluster asks.

-- name: budget_states
-- With what is spent of each in its current period, by what has ended. The braces are filled with a fixed fragment.
with b as materialized (
    select b.id, b.name, b.key_id, b.prompt_id, b.period, b.amount, b.is_hard, b.created_at,
        case when b.key_id is not null then 'key' when b.prompt_id is not null then 'prompt' else 'all' end as about,
        coalesce(b.key_id::text, b.prompt_id::text, '') as value, date_trunc(b.period, now(), 'UTC') as since,
        (date_trunc(b.period, now() at time zone 'UTC') + ('1 ' || b.period)::interval) at time zone 'UTC' as until
    from airuns.budgets as b
    where b.user_id = %(user_id)s {filters}
)
select b.id, b.name, b.key_id, b.prompt_id, b.period, b.amount, b.is_hard, b.created_at, b.since, b.until,
    coalesce(s.cost, 0) as spent, coalesce(s.unpriced, 0)::bigint as unpriced
from b
cross join lateral (
    select sum(v.cost) as cost, sum(v.tasks - v.priced) as unpriced
    from airuns.usage_parts_by_day as v
    where v.user_id = %(user_id)s and v.about = b.about and v.at >= b.since and v.value = b.value
) as s
order by b.id

-- name: budget_insert
-- Nothing, when the key or the prompt is not the user's.
insert into airuns.budgets (user_id, id, name, key_id, prompt_id, period, amount, is_hard)
select %(user_id)s, %(id)s, %(name)s, %(key_id)s, %(prompt_id)s, %(period)s, %(amount)s, %(is_hard)s
where (%(key_id)s::uuid is null or exists (
        select from airuns.api_keys where user_id = %(user_id)s and id = %(key_id)s and revoked_at is null))
    and (%(prompt_id)s::uuid is null or exists (
        select from airuns.prompts where user_id = %(user_id)s and id = %(prompt_id)s and deleted_at is null))

-- name: budget_update
-- Null leaves a column as it is.
update airuns.budgets
set name = coalesce(%(name)s, name), period = coalesce(%(period)s, period),
    amount = coalesce(%(amount)s, amount), is_hard = coalesce(%(is_hard)s, is_hard)
where user_id = %(user_id)s and id = %(id)s

-- name: budget_delete
delete from airuns.budgets where user_id = %(user_id)s and id = %(id)s
