-- How usage_changes (80_usage.sql) are folded into the sums, and how these are built anew. 84_usage_views.sql reads them.

create type airuns.usage_part as (about text, value text, detail text);
comment on type airuns.usage_part is 'A row of usage_parts_hourly that a row of usage_hourly is added to.';

create function airuns.usage_parts(
    tag text, source_type text, prompt_id uuid, prompt_version integer, provider text, model text, key_id uuid,
    status text, error_code text
) returns airuns.usage_part[] language plpgsql immutable parallel safe as $$
declare
    nobody constant uuid := '00000000-0000-0000-0000-000000000000';
    parts airuns.usage_part[];
begin
    if tag <> '' then -- what has a tag is there once more without one
        return array[('tag', tag, '')::airuns.usage_part];
    end if;
    parts := array[('all', '', ''), ('source', source_type, ''),
        ('prompt', coalesce(nullif(prompt_id, nobody)::text, ''), '')]::airuns.usage_part[];
    if prompt_id <> nobody then
        parts := parts || ('version', prompt_id::text, prompt_version::text)::airuns.usage_part;
    end if;
    if status <> '' then -- else it counts runs
        parts := parts || array[('model', model, provider), ('status', status, error_code),
            ('key', coalesce(nullif(key_id, nobody)::text, ''), '')]::airuns.usage_part[];
    end if;
    return parts;
end
$$;
comment on function airuns.usage_parts(text, text, uuid, integer, text, text, uuid, text, text) is 'What a row of usage_hourly or usage_changes is a part of, by each thing alone.';

create function airuns.fold_usage(of_user uuid, most integer) returns integer language plpgsql as $$
declare
    folded integer;
    emptied timestamptz[];
begin
    with taken as (
        delete from airuns.usage_changes as c
        where c.user_id = of_user and c.id in (
            select n.id from airuns.usage_changes as n where n.user_id = of_user order by n.id limit most)
        returning c.*
    ), details as (
        insert into airuns.usage_hourly as u (user_id, at, tag,
            source_type, prompt_id, prompt_version, provider, model, key_id, status, error_code,
            runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total,
            tokens_cache_read, tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens,
            generated_us, first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost,
            first_token_histogram, total_time_histogram)
        select of_user, t.at, t.tag,
            t.source_type, t.prompt_id, t.prompt_version, t.provider, t.model, t.key_id, t.status, t.error_code,
            sum(t.runs), sum(t.tasks), sum(t.failed), sum(t.counted), sum(t.priced), sum(t.estimated),
            sum(t.tokens_input), sum(t.tokens_output), sum(t.tokens_total), sum(t.tokens_cache_read),
            sum(t.tokens_cache_write_5m), sum(t.tokens_cache_write_1h), sum(t.tokens_reasoning),
            sum(t.generated_tokens), sum(t.generated_us), sum(t.first_token_tasks), sum(t.first_token_us),
            sum(t.total_time_tasks), sum(t.total_time_us), sum(t.cost), sum(t.first_token_histogram),
            sum(t.total_time_histogram)
        from taken as t
        group by t.at, t.tag,
            t.source_type, t.prompt_id, t.prompt_version, t.provider, t.model, t.key_id, t.status, t.error_code
        on conflict (user_id, at, tag, source_type, prompt_id, prompt_version, provider, model, key_id, status,
            error_code) do update set
            runs = u.runs + excluded.runs, tasks = u.tasks + excluded.tasks, failed = u.failed + excluded.failed,
            counted = u.counted + excluded.counted, priced = u.priced + excluded.priced,
            estimated = u.estimated + excluded.estimated, tokens_input = u.tokens_input + excluded.tokens_input,
            tokens_output = u.tokens_output + excluded.tokens_output,
            tokens_total = u.tokens_total + excluded.tokens_total,
            tokens_cache_read = u.tokens_cache_read + excluded.tokens_cache_read,
            tokens_cache_write_5m = u.tokens_cache_write_5m + excluded.tokens_cache_write_5m,
            tokens_cache_write_1h = u.tokens_cache_write_1h + excluded.tokens_cache_write_1h,
            tokens_reasoning = u.tokens_reasoning + excluded.tokens_reasoning,
            generated_tokens = u.generated_tokens + excluded.generated_tokens,
            generated_us = u.generated_us + excluded.generated_us,
            first_token_tasks = u.first_token_tasks + excluded.first_token_tasks,
            first_token_us = u.first_token_us + excluded.first_token_us,
            total_time_tasks = u.total_time_tasks + excluded.total_time_tasks,
            total_time_us = u.total_time_us + excluded.total_time_us, cost = u.cost + excluded.cost,
            first_token_histogram = u.first_token_histogram + excluded.first_token_histogram,
            total_time_histogram = u.total_time_histogram + excluded.total_time_histogram
    ), parts as materialized (
        select t.at, p.about, p.value, p.detail,
            sum(t.runs) as runs, sum(t.tasks) as tasks, sum(t.failed) as failed, sum(t.counted) as counted,
            sum(t.priced) as priced, sum(t.estimated) as estimated,
            sum(t.tokens_input) as tokens_input, sum(t.tokens_output) as tokens_output,
            sum(t.tokens_total) as tokens_total, sum(t.tokens_cache_read) as tokens_cache_read,
            sum(t.tokens_cache_write_5m) as tokens_cache_write_5m,
            sum(t.tokens_cache_write_1h) as tokens_cache_write_1h, sum(t.tokens_reasoning) as tokens_reasoning,
            sum(t.generated_tokens) as generated_tokens, sum(t.generated_us) as generated_us,
            sum(t.first_token_tasks) as first_token_tasks, sum(t.first_token_us) as first_token_us,
            sum(t.total_time_tasks) as total_time_tasks, sum(t.total_time_us) as total_time_us, sum(t.cost) as cost,
            sum(case when p.about in ('all', 'model', 'version') then t.first_token_histogram else 0 end)
                as first_token_histogram,
            sum(case when p.about in ('all', 'model', 'version') then t.total_time_histogram else 0 end)
                as total_time_histogram
        from taken as t
        cross join lateral unnest(airuns.usage_parts(
            t.tag, t.source_type, t.prompt_id, t.prompt_version, t.provider, t.model, t.key_id, t.status,
            t.error_code)) as p
        group by t.at, p.about, p.value, p.detail
    ), hourly as (
        insert into airuns.usage_parts_hourly as u (user_id, at, about, value, detail,
            runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total,
            tokens_cache_read, tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens,
            generated_us, first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost,
            first_token_histogram, total_time_histogram)
        select of_user, p.* from parts as p
        on conflict (user_id, about, at, value, detail) do update set
            runs = u.runs + excluded.runs, tasks = u.tasks + excluded.tasks, failed = u.failed + excluded.failed,
            counted = u.counted + excluded.counted, priced = u.priced + excluded.priced,
            estimated = u.estimated + excluded.estimated, tokens_input = u.tokens_input + excluded.tokens_input,
            tokens_output = u.tokens_output + excluded.tokens_output,
            tokens_total = u.tokens_total + excluded.tokens_total,
            tokens_cache_read = u.tokens_cache_read + excluded.tokens_cache_read,
            tokens_cache_write_5m = u.tokens_cache_write_5m + excluded.tokens_cache_write_5m,
            tokens_cache_write_1h = u.tokens_cache_write_1h + excluded.tokens_cache_write_1h,
            tokens_reasoning = u.tokens_reasoning + excluded.tokens_reasoning,
            generated_tokens = u.generated_tokens + excluded.generated_tokens,
            generated_us = u.generated_us + excluded.generated_us,
            first_token_tasks = u.first_token_tasks + excluded.first_token_tasks,
            first_token_us = u.first_token_us + excluded.first_token_us,
            total_time_tasks = u.total_time_tasks + excluded.total_time_tasks,
            total_time_us = u.total_time_us + excluded.total_time_us, cost = u.cost + excluded.cost,
            first_token_histogram = u.first_token_histogram + excluded.first_token_histogram,
            total_time_histogram = u.total_time_histogram + excluded.total_time_histogram
    ), daily as (
        insert into airuns.usage_parts_daily as u (user_id, at, about, value, detail,
            runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total,
            tokens_cache_read, tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens,
            generated_us, first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost,
            first_token_histogram, total_time_histogram)
        select of_user, date_bin('1 day', p.at, timestamptz '2000-01-01 00:00Z') as day, p.about, p.value, p.detail,
            sum(p.runs), sum(p.tasks), sum(p.failed), sum(p.counted), sum(p.priced), sum(p.estimated),
            sum(p.tokens_input), sum(p.tokens_output), sum(p.tokens_total), sum(p.tokens_cache_read),
            sum(p.tokens_cache_write_5m), sum(p.tokens_cache_write_1h), sum(p.tokens_reasoning),
            sum(p.generated_tokens), sum(p.generated_us), sum(p.first_token_tasks), sum(p.first_token_us),
            sum(p.total_time_tasks), sum(p.total_time_us), sum(p.cost), sum(p.first_token_histogram),
            sum(p.total_time_histogram)
        from parts as p
        group by day, p.about, p.value, p.detail
        on conflict (user_id, about, at, value, detail) do update set
            runs = u.runs + excluded.runs, tasks = u.tasks + excluded.tasks, failed = u.failed + excluded.failed,
            counted = u.counted + excluded.counted, priced = u.priced + excluded.priced,
            estimated = u.estimated + excluded.estimated, tokens_input = u.tokens_input + excluded.tokens_input,
            tokens_output = u.tokens_output + excluded.tokens_output,
            tokens_total = u.tokens_total + excluded.tokens_total,
            tokens_cache_read = u.tokens_cache_read + excluded.tokens_cache_read,
            tokens_cache_write_5m = u.tokens_cache_write_5m + excluded.tokens_cache_write_5m,
            tokens_cache_write_1h = u.tokens_cache_write_1h + excluded.tokens_cache_write_1h,
            tokens_reasoning = u.tokens_reasoning + excluded.tokens_reasoning,
            generated_tokens = u.generated_tokens + excluded.generated_tokens,
            generated_us = u.generated_us + excluded.generated_us,
            first_token_tasks = u.first_token_tasks + excluded.first_token_tasks,
            first_token_us = u.first_token_us + excluded.first_token_us,
            total_time_tasks = u.total_time_tasks + excluded.total_time_tasks,
            total_time_us = u.total_time_us + excluded.total_time_us, cost = u.cost + excluded.cost,
            first_token_histogram = u.first_token_histogram + excluded.first_token_histogram,
            total_time_histogram = u.total_time_histogram + excluded.total_time_histogram
    ), monthly as (
        insert into airuns.usage_parts_monthly as u (user_id, at, about, value, detail,
            runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total,
            tokens_cache_read, tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens,
            generated_us, first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost,
            first_token_histogram, total_time_histogram)
        select of_user, date_trunc('month', p.at, 'UTC') as month, p.about, p.value, p.detail,
            sum(p.runs), sum(p.tasks), sum(p.failed), sum(p.counted), sum(p.priced), sum(p.estimated),
            sum(p.tokens_input), sum(p.tokens_output), sum(p.tokens_total), sum(p.tokens_cache_read),
            sum(p.tokens_cache_write_5m), sum(p.tokens_cache_write_1h), sum(p.tokens_reasoning),
            sum(p.generated_tokens), sum(p.generated_us), sum(p.first_token_tasks), sum(p.first_token_us),
            sum(p.total_time_tasks), sum(p.total_time_us), sum(p.cost), sum(p.first_token_histogram),
            sum(p.total_time_histogram)
        from parts as p
        group by month, p.about, p.value, p.detail
        on conflict (user_id, about, at, value, detail) do update set
            runs = u.runs + excluded.runs, tasks = u.tasks + excluded.tasks, failed = u.failed + excluded.failed,
            counted = u.counted + excluded.counted, priced = u.priced + excluded.priced,
            estimated = u.estimated + excluded.estimated, tokens_input = u.tokens_input + excluded.tokens_input,
            tokens_output = u.tokens_output + excluded.tokens_output,
            tokens_total = u.tokens_total + excluded.tokens_total,
            tokens_cache_read = u.tokens_cache_read + excluded.tokens_cache_read,
            tokens_cache_write_5m = u.tokens_cache_write_5m + excluded.tokens_cache_write_5m,
            tokens_cache_write_1h = u.tokens_cache_write_1h + excluded.tokens_cache_write_1h,
            tokens_reasoning = u.tokens_reasoning + excluded.tokens_reasoning,
            generated_tokens = u.generated_tokens + excluded.generated_tokens,
            generated_us = u.generated_us + excluded.generated_us,
            first_token_tasks = u.first_token_tasks + excluded.first_token_tasks,
            first_token_us = u.first_token_us + excluded.first_token_us,
            total_time_tasks = u.total_time_tasks + excluded.total_time_tasks,
            total_time_us = u.total_time_us + excluded.total_time_us, cost = u.cost + excluded.cost,
            first_token_histogram = u.first_token_histogram + excluded.first_token_histogram,
            total_time_histogram = u.total_time_histogram + excluded.total_time_histogram
    )
    select count(*), array_agg(distinct t.at) filter (where t.tasks < 0 or t.runs < 0) into folded, emptied
    from taken as t;
    if emptied is not null then
        perform airuns.drop_empty_usage(of_user, emptied);
    end if;
    return folded;
end
$$;
comment on function airuns.fold_usage(uuid, integer) is 'Adds the oldest changes of a user''s usage, at most so many, to the sums; says how many there were.';

create function airuns.drop_empty_usage(of_user uuid, hours timestamptz[]) returns void language plpgsql as $$
declare
    abouts constant text[] := '{all,model,prompt,version,source,key,tag,status}'; -- the second column of the keys
begin
    delete from airuns.usage_hourly as u
    where u.user_id = of_user and u.at = any(hours) and u.tasks = 0 and u.runs = 0;
    delete from airuns.usage_parts_hourly as u
    where u.user_id = of_user and u.about = any(abouts) and u.at = any(hours) and u.tasks = 0 and u.runs = 0;
    delete from airuns.usage_parts_daily as u
    where u.user_id = of_user and u.about = any(abouts) and u.tasks = 0 and u.runs = 0 and u.at in (
        select date_bin('1 day', h.at, timestamptz '2000-01-01 00:00Z') from unnest(hours) as h (at));
    delete from airuns.usage_parts_monthly as u
    where u.user_id = of_user and u.about = any(abouts) and u.tasks = 0 and u.runs = 0 and u.at in (
        select date_trunc('month', h.at, 'UTC') from unnest(hours) as h (at));
end
$$;
comment on function airuns.drop_empty_usage(uuid, timestamptz[]) is 'Drops the sums of these hours, and of their days and months, that have fallen to nothing.';

create view airuns.usage_parts_due with (security_invoker = true) as
select u.user_id, p.about, u.at, p.value, p.detail,
    u.runs, u.tasks, u.failed, u.counted, u.priced, u.estimated, u.tokens_input,
    u.tokens_output, u.tokens_total, u.tokens_cache_read, u.tokens_cache_write_5m,
    u.tokens_cache_write_1h, u.tokens_reasoning, u.generated_tokens, u.generated_us,
    u.first_token_tasks, u.first_token_us, u.total_time_tasks, u.total_time_us, u.cost,
    case when p.about in ('all', 'model', 'version') then u.first_token_histogram else 0 end as first_token_histogram,
    case when p.about in ('all', 'model', 'version') then u.total_time_histogram else 0 end as total_time_histogram
from airuns.usage_hourly as u
cross join lateral unnest(airuns.usage_parts(
    u.tag, u.source_type, u.prompt_id, u.prompt_version, u.provider, u.model, u.key_id, u.status, u.error_code)) as p;
comment on view airuns.usage_parts_due is 'What the rows of usage_hourly add to usage_parts_hourly: the definition that these are checked against.';

create function airuns.rebuild_usage(of_user uuid) returns void language plpgsql as $$
begin
    delete from airuns.usage_changes as c where c.user_id = of_user;
    delete from airuns.usage_hourly as u where u.user_id = of_user;
    delete from airuns.usage_parts_hourly as u where u.user_id = of_user;
    delete from airuns.usage_parts_daily as u where u.user_id = of_user;
    delete from airuns.usage_parts_monthly as u where u.user_id = of_user;
    insert into airuns.usage_hourly (user_id, at, tag,
        source_type, prompt_id, prompt_version, provider, model, key_id, status, error_code,
        runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total, tokens_cache_read,
        tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens, generated_us,
        first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost, first_token_histogram,
        total_time_histogram)
    select of_user, u.at, l.tag,
        u.source_type, u.prompt_id, u.prompt_version, u.provider, u.model, u.key_id, u.status, u.error_code,
        sum(u.runs), sum(u.tasks), sum(u.failed), sum(u.counted), sum(u.priced), sum(u.estimated),
        sum(u.tokens_input), sum(u.tokens_output), sum(u.tokens_total), sum(u.tokens_cache_read),
        sum(u.tokens_cache_write_5m), sum(u.tokens_cache_write_1h), sum(u.tokens_reasoning), sum(u.generated_tokens),
        sum(u.generated_us), sum(u.first_token_tasks), sum(u.first_token_us), sum(u.total_time_tasks),
        sum(u.total_time_us), sum(u.cost), sum(u.first_token_histogram), sum(u.total_time_histogram)
    from airuns.task_usage as u
    join airuns.ai_runs as r on r.user_id = of_user and r.id = u.run_id
    cross join lateral (select '' union select unnest(r.tags)) as l (tag)
    where u.user_id = of_user
    group by u.at, l.tag,
        u.source_type, u.prompt_id, u.prompt_version, u.provider, u.model, u.key_id, u.status, u.error_code;
    insert into airuns.usage_hourly (user_id, at, tag, source_type, prompt_id, prompt_version, runs)
    select of_user, r.at, l.tag, r.source_type, r.prompt_id, r.prompt_version, count(*)
    from airuns.run_usage as r
    cross join lateral (select '' union select unnest(r.tags)) as l (tag)
    where r.user_id = of_user
    group by r.at, l.tag, r.source_type, r.prompt_id, r.prompt_version;
    insert into airuns.usage_parts_hourly (user_id, at, about, value, detail,
        runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total, tokens_cache_read,
        tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens, generated_us,
        first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost, first_token_histogram,
        total_time_histogram)
    select of_user, d.at, d.about, d.value, d.detail,
        sum(d.runs), sum(d.tasks), sum(d.failed), sum(d.counted), sum(d.priced), sum(d.estimated),
        sum(d.tokens_input), sum(d.tokens_output), sum(d.tokens_total), sum(d.tokens_cache_read),
        sum(d.tokens_cache_write_5m), sum(d.tokens_cache_write_1h), sum(d.tokens_reasoning), sum(d.generated_tokens),
        sum(d.generated_us), sum(d.first_token_tasks), sum(d.first_token_us), sum(d.total_time_tasks),
        sum(d.total_time_us), sum(d.cost), sum(d.first_token_histogram), sum(d.total_time_histogram)
    from airuns.usage_parts_due as d
    where d.user_id = of_user
    group by d.at, d.about, d.value, d.detail;
    insert into airuns.usage_parts_daily (user_id, at, about, value, detail,
        runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total, tokens_cache_read,
        tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens, generated_us,
        first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost, first_token_histogram,
        total_time_histogram)
    select of_user, date_bin('1 day', p.at, timestamptz '2000-01-01 00:00Z') as day, p.about, p.value, p.detail,
        sum(p.runs), sum(p.tasks), sum(p.failed), sum(p.counted), sum(p.priced), sum(p.estimated),
        sum(p.tokens_input), sum(p.tokens_output), sum(p.tokens_total), sum(p.tokens_cache_read),
        sum(p.tokens_cache_write_5m), sum(p.tokens_cache_write_1h), sum(p.tokens_reasoning), sum(p.generated_tokens),
        sum(p.generated_us), sum(p.first_token_tasks), sum(p.first_token_us), sum(p.total_time_tasks),
        sum(p.total_time_us), sum(p.cost), sum(p.first_token_histogram), sum(p.total_time_histogram)
    from airuns.usage_parts_hourly as p
    where p.user_id = of_user
    group by day, p.about, p.value, p.detail;
    insert into airuns.usage_parts_monthly (user_id, at, about, value, detail,
        runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total, tokens_cache_read,
        tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens, generated_us,
        first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost, first_token_histogram,
        total_time_histogram)
    select of_user, date_trunc('month', p.at, 'UTC') as month, p.about, p.value, p.detail,
        sum(p.runs), sum(p.tasks), sum(p.failed), sum(p.counted), sum(p.priced), sum(p.estimated),
        sum(p.tokens_input), sum(p.tokens_output), sum(p.tokens_total), sum(p.tokens_cache_read),
        sum(p.tokens_cache_write_5m), sum(p.tokens_cache_write_1h), sum(p.tokens_reasoning), sum(p.generated_tokens),
        sum(p.generated_us), sum(p.first_token_tasks), sum(p.first_token_us), sum(p.total_time_tasks),
        sum(p.total_time_us), sum(p.cost), sum(p.first_token_histogram), sum(p.total_time_histogram)
    from airuns.usage_parts_daily as p
    where p.user_id = of_user
    group by month, p.about, p.value, p.detail;
end
$$;
comment on function airuns.rebuild_usage(uuid) is 'Computes a user''s usage anew from the tasks; to be called first in a transaction that is repeatable read, so that no task is counted twice.';
