-- What has been used, exact at any moment: the sums, and what is not folded into them yet.

create view airuns.usage_by_hour with (security_invoker = true) as
select
    u.user_id, u.at, nullif(u.tag, '') as tag, nullif(u.source_type, '') as source_type,
    nullif(u.prompt_id, '00000000-0000-0000-0000-000000000000') as prompt_id,
    nullif(u.prompt_version, 0) as prompt_version, nullif(u.provider, '') as provider, nullif(u.model, '') as model,
    nullif(u.key_id, '00000000-0000-0000-0000-000000000000') as key_id, nullif(u.status, '') as status,
    nullif(u.error_code, '') as error_code,
    u.runs, u.tasks, u.failed, u.counted, u.priced, u.estimated, u.tokens_input, u.tokens_output, u.tokens_total,
    u.tokens_cache_read, u.tokens_cache_write_5m, u.tokens_cache_write_1h, u.tokens_reasoning, u.generated_tokens,
    u.generated_us, u.first_token_tasks, u.first_token_us, u.total_time_tasks, u.total_time_us, u.cost,
    u.first_token_histogram, u.total_time_histogram
from airuns.usage_hourly as u
union all
select
    c.user_id, c.at, nullif(c.tag, '') as tag, nullif(c.source_type, '') as source_type,
    nullif(c.prompt_id, '00000000-0000-0000-0000-000000000000') as prompt_id,
    nullif(c.prompt_version, 0) as prompt_version, nullif(c.provider, '') as provider, nullif(c.model, '') as model,
    nullif(c.key_id, '00000000-0000-0000-0000-000000000000') as key_id, nullif(c.status, '') as status,
    nullif(c.error_code, '') as error_code,
    c.runs, c.tasks, c.failed, c.counted, c.priced, c.estimated, c.tokens_input, c.tokens_output, c.tokens_total,
    c.tokens_cache_read, c.tokens_cache_write_5m, c.tokens_cache_write_1h, c.tokens_reasoning, c.generated_tokens,
    c.generated_us, c.first_token_tasks, c.first_token_us, c.total_time_tasks, c.total_time_us, c.cost,
    c.first_token_histogram, c.total_time_histogram
from airuns.usage_changes as c;
comment on view airuns.usage_by_hour is 'What has been used by hour (UTC), exact at any moment: sum over the rows, of which there may be several for the same things. Rows with a tag count again what the rows without have.';

create view airuns.usage_parts_unfolded with (security_invoker = true) as
select
    c.user_id, p.about, c.at, p.value, p.detail,
    c.runs, c.tasks, c.failed, c.counted, c.priced, c.estimated, c.tokens_input, c.tokens_output, c.tokens_total,
    c.tokens_cache_read, c.tokens_cache_write_5m, c.tokens_cache_write_1h, c.tokens_reasoning, c.generated_tokens,
    c.generated_us, c.first_token_tasks, c.first_token_us, c.total_time_tasks, c.total_time_us, c.cost,
    case when p.about in ('all', 'model', 'version') then c.first_token_histogram else 0 end as first_token_histogram,
    case when p.about in ('all', 'model', 'version') then c.total_time_histogram else 0 end as total_time_histogram
from airuns.usage_changes as c
cross join lateral unnest(airuns.usage_parts(
    c.tag, c.source_type, c.prompt_id, c.prompt_version, c.provider, c.model, c.key_id, c.status, c.error_code)) as p;
comment on view airuns.usage_parts_unfolded is 'What usage_parts_hourly, _daily and _monthly do not have yet: the rest of the three views that follow.';
create view airuns.usage_parts_by_hour with (security_invoker = true) as
select
    u.user_id, u.about, u.at, u.value, u.detail,
    u.runs, u.tasks, u.failed, u.counted, u.priced, u.estimated, u.tokens_input, u.tokens_output, u.tokens_total,
    u.tokens_cache_read, u.tokens_cache_write_5m, u.tokens_cache_write_1h, u.tokens_reasoning, u.generated_tokens,
    u.generated_us, u.first_token_tasks, u.first_token_us, u.total_time_tasks, u.total_time_us, u.cost,
    u.first_token_histogram, u.total_time_histogram
from airuns.usage_parts_hourly as u
union all
select
    c.user_id, c.about, c.at, c.value, c.detail,
    c.runs, c.tasks, c.failed, c.counted, c.priced, c.estimated, c.tokens_input, c.tokens_output, c.tokens_total,
    c.tokens_cache_read, c.tokens_cache_write_5m, c.tokens_cache_write_1h, c.tokens_reasoning, c.generated_tokens,
    c.generated_us, c.first_token_tasks, c.first_token_us, c.total_time_tasks, c.total_time_us, c.cost,
    c.first_token_histogram, c.total_time_histogram
from airuns.usage_parts_unfolded as c;
create view airuns.usage_parts_by_day with (security_invoker = true) as
select
    u.user_id, u.about, u.at, u.value, u.detail,
    u.runs, u.tasks, u.failed, u.counted, u.priced, u.estimated, u.tokens_input, u.tokens_output, u.tokens_total,
    u.tokens_cache_read, u.tokens_cache_write_5m, u.tokens_cache_write_1h, u.tokens_reasoning, u.generated_tokens,
    u.generated_us, u.first_token_tasks, u.first_token_us, u.total_time_tasks, u.total_time_us, u.cost,
    u.first_token_histogram, u.total_time_histogram
from airuns.usage_parts_daily as u
union all
select
    c.user_id, c.about, date_bin('1 day', c.at, timestamptz '2000-01-01 00:00Z'), c.value, c.detail,
    c.runs, c.tasks, c.failed, c.counted, c.priced, c.estimated, c.tokens_input, c.tokens_output, c.tokens_total,
    c.tokens_cache_read, c.tokens_cache_write_5m, c.tokens_cache_write_1h, c.tokens_reasoning, c.generated_tokens,
    c.generated_us, c.first_token_tasks, c.first_token_us, c.total_time_tasks, c.total_time_us, c.cost,
    c.first_token_histogram, c.total_time_histogram
from airuns.usage_parts_unfolded as c;
create view airuns.usage_parts_by_month with (security_invoker = true) as
select
    u.user_id, u.about, u.at, u.value, u.detail,
    u.runs, u.tasks, u.failed, u.counted, u.priced, u.estimated, u.tokens_input, u.tokens_output, u.tokens_total,
    u.tokens_cache_read, u.tokens_cache_write_5m, u.tokens_cache_write_1h, u.tokens_reasoning, u.generated_tokens,
    u.generated_us, u.first_token_tasks, u.first_token_us, u.total_time_tasks, u.total_time_us, u.cost,
    u.first_token_histogram, u.total_time_histogram
from airuns.usage_parts_monthly as u
union all
select
    c.user_id, c.about, date_trunc('month', c.at, 'UTC'), c.value, c.detail,
    c.runs, c.tasks, c.failed, c.counted, c.priced, c.estimated, c.tokens_input, c.tokens_output, c.tokens_total,
    c.tokens_cache_read, c.tokens_cache_write_5m, c.tokens_cache_write_1h, c.tokens_reasoning, c.generated_tokens,
    c.generated_us, c.first_token_tasks, c.first_token_us, c.total_time_tasks, c.total_time_us, c.cost,
    c.first_token_histogram, c.total_time_histogram
from airuns.usage_parts_unfolded as c;
comment on view airuns.usage_parts_by_hour is 'What has been used by hour (UTC) and by one thing (about: all, model, prompt, version, source, key, tag, status), exact at any moment: sum over the rows. Quick however many tasks there were.';
comment on view airuns.usage_parts_by_day is 'As usage_parts_by_hour, by day (UTC).';
comment on view airuns.usage_parts_by_month is 'As usage_parts_by_hour, by month (UTC).';

grant select on airuns.task_usage, airuns.run_usage, airuns.usage_by_hour, airuns.usage_parts_due,
    airuns.usage_parts_unfolded, airuns.usage_parts_by_hour, airuns.usage_parts_by_day,
    airuns.usage_parts_by_month to airuns_app;
