-- What is used is noted in usage_changes (80_usage.sql) as it changes; 83_usage_sums.sql folds that into the sums.

create function airuns.latency_bucket(seconds double precision) returns numeric
    language plpgsql immutable parallel safe as $$
begin
    if seconds is null then
        return 0;
    end if;
    return ('1e' || 8 * least(ceil(ln(greatest(seconds * 1000, 1)) / ln(1.105)), 199)::integer)::numeric;
end
$$;
comment on function airuns.latency_bucket(double precision) is 'A histogram of one time: bucket n ends at 1.105^n ms and has the digits 8n to 8n+7, so that numerics add up to histograms of less than 10^8 a bucket.';

create view airuns.task_usage with (security_invoker = true) as
select
    t.user_id, t.run_id, t.task_id, date_bin('1 hour', t.created_at, timestamptz '2000-01-01 00:00Z') as at,
    coalesce(t.source_type, '') as source_type,
    coalesce(t.prompt_id, '00000000-0000-0000-0000-000000000000') as prompt_id,
    coalesce(t.prompt_version, 0) as prompt_version, coalesce(t.provider, '') as provider,
    coalesce(t.model, '') as model, coalesce(t.key_id, '00000000-0000-0000-0000-000000000000') as key_id,
    t.status, coalesce(left(t.response_errors ->> 'code', 60), '') as error_code,
    0 as runs, 1 as tasks, (t.status in ('error', 'timeout'))::integer as failed,
    (t.tokens_total is not null)::integer as counted, (t.cost is not null)::integer as priced,
    t.usage_estimated::integer as estimated, coalesce(t.tokens_input, 0) as tokens_input,
    coalesce(t.tokens_output, 0) as tokens_output, coalesce(t.tokens_total, 0) as tokens_total,
    coalesce(t.tokens_cache_read, 0) as tokens_cache_read,
    coalesce(t.tokens_cache_write_5m, 0) as tokens_cache_write_5m,
    coalesce(t.tokens_cache_write_1h, 0) as tokens_cache_write_1h,
    coalesce(t.tokens_reasoning, 0) as tokens_reasoning,
    case when g.is_known then t.tokens_output else 0 end as generated_tokens,
    case when g.is_known then round((t.total_time - t.time_to_first_token) * 1000000)::bigint else 0 end as
        generated_us,
    (t.time_to_first_token is not null)::integer as first_token_tasks,
    coalesce(round(t.time_to_first_token * 1000000), 0)::bigint as first_token_us,
    (t.total_time is not null)::integer as total_time_tasks,
    coalesce(round(t.total_time * 1000000), 0)::bigint as total_time_us, coalesce(t.cost, 0) as cost,
    airuns.latency_bucket(t.time_to_first_token) as first_token_histogram,
    airuns.latency_bucket(t.total_time) as total_time_histogram
from airuns.ai_tasks as t
cross join lateral (
    select coalesce(t.total_time > t.time_to_first_token and t.tokens_output > 0, false) as is_known
) as g
where t.completed_at is not null;
comment on view airuns.task_usage is 'What each ended task adds to usage_hourly: the definition that the sums are checked against.';

create view airuns.run_usage with (security_invoker = true) as
select
    r.user_id, r.id as run_id, date_bin('1 hour', r.created_at, timestamptz '2000-01-01 00:00Z') as at, r.source_type,
    coalesce(r.prompt_id, '00000000-0000-0000-0000-000000000000') as prompt_id,
    coalesce(r.prompt_version, 0) as prompt_version, r.tags
from airuns.ai_runs as r;
comment on view airuns.run_usage is 'Where each run is counted in usage_hourly, and the tags that its tasks are counted for once more.';

create function airuns.count_task() returns trigger language plpgsql as $$
begin
    if current_user <> 'airuns_app' then
        return null; -- a cascade's trigger runs as the owner, to whom no run exists
    end if;
    if tg_op = 'UPDATE' then -- else the run's tags might change while we look
        perform from airuns.ai_runs as r
        where r.user_id = new.user_id and r.id = new.run_id
        for no key update;
    end if;
    insert into airuns.usage_changes (user_id, run_id, at, tag,
        source_type, prompt_id, prompt_version, provider, model, key_id, status, error_code,
        runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total, tokens_cache_read,
        tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens, generated_us,
        first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost, first_token_histogram,
        total_time_histogram)
    select t.user_id, t.run_id, date_bin('1 hour', t.created_at, timestamptz '2000-01-01 00:00Z'), l.tag,
        coalesce(t.source_type, ''), coalesce(t.prompt_id, '00000000-0000-0000-0000-000000000000'),
        coalesce(t.prompt_version, 0), coalesce(t.provider, ''), coalesce(t.model, ''),
        coalesce(t.key_id, '00000000-0000-0000-0000-000000000000'),
        t.status, coalesce(left(t.response_errors ->> 'code', 60), ''),
        0, t.sign, t.sign * (t.status in ('error', 'timeout'))::integer,
        t.sign * (t.tokens_total is not null)::integer, t.sign * (t.cost is not null)::integer,
        t.sign * t.usage_estimated::integer, t.sign * coalesce(t.tokens_input, 0),
        t.sign * coalesce(t.tokens_output, 0), t.sign * coalesce(t.tokens_total, 0),
        t.sign * coalesce(t.tokens_cache_read, 0), t.sign * coalesce(t.tokens_cache_write_5m, 0),
        t.sign * coalesce(t.tokens_cache_write_1h, 0), t.sign * coalesce(t.tokens_reasoning, 0),
        t.sign * case when g.is_known then t.tokens_output else 0 end,
        t.sign * case when g.is_known then round((t.total_time - t.time_to_first_token) * 1000000)::bigint else 0 end,
        t.sign * (t.time_to_first_token is not null)::integer,
        t.sign * coalesce(round(t.time_to_first_token * 1000000), 0)::bigint,
        t.sign * (t.total_time is not null)::integer, t.sign * coalesce(round(t.total_time * 1000000), 0)::bigint,
        t.sign * coalesce(t.cost, 0), t.sign * airuns.latency_bucket(t.time_to_first_token),
        t.sign * airuns.latency_bucket(t.total_time)
    from (values
        (-1, old.user_id, old.run_id, old.source_type, old.prompt_id, old.prompt_version, old.provider, old.model,
        old.key_id,
        old.status, old.response_errors, old.tokens_input, old.tokens_output, old.tokens_total, old.tokens_cache_read,
        old.tokens_cache_write_5m, old.tokens_cache_write_1h, old.tokens_reasoning, old.usage_estimated, old.cost,
        old.time_to_first_token, old.total_time, old.created_at, old.completed_at),
        (1, new.user_id, new.run_id, new.source_type, new.prompt_id, new.prompt_version, new.provider, new.model,
        new.key_id,
        new.status, new.response_errors, new.tokens_input, new.tokens_output, new.tokens_total, new.tokens_cache_read,
        new.tokens_cache_write_5m, new.tokens_cache_write_1h, new.tokens_reasoning, new.usage_estimated, new.cost,
        new.time_to_first_token, new.total_time, new.created_at, new.completed_at)
    ) as t (sign, user_id, run_id, source_type, prompt_id, prompt_version, provider, model, key_id, status,
        response_errors, tokens_input, tokens_output, tokens_total, tokens_cache_read, tokens_cache_write_5m,
        tokens_cache_write_1h,
        tokens_reasoning, usage_estimated, cost, time_to_first_token, total_time, created_at, completed_at)
    join airuns.ai_runs as r on r.user_id = t.user_id and r.id = t.run_id
    cross join lateral (select '' union select unnest(r.tags)) as l (tag)
    cross join lateral (
        select coalesce(t.total_time > t.time_to_first_token and t.tokens_output > 0, false) as is_known
    ) as g
    where t.completed_at is not null;
    return null;
end
$$;
comment on function airuns.count_task() is 'Notes what a task adds to the usage: what was is subtracted, what is is added. Where the run has gone, its own trigger has subtracted all tasks that it had.';
create trigger use_new_task after insert on airuns.ai_tasks
    for each row when (new.completed_at is not null and not new.added) execute function airuns.count_task();
create trigger use_changed_task after update of source_type, prompt_id, prompt_version, provider, model, key_id,
    status, response_errors,
    tokens_input, tokens_output, tokens_total, tokens_cache_read, tokens_cache_write_5m, tokens_cache_write_1h,
    tokens_reasoning, usage_estimated,
    cost, time_to_first_token, total_time, created_at
    on airuns.ai_tasks
    for each row when (
        (old.completed_at is not null or new.completed_at is not null)
        and (old.user_id, old.run_id, old.source_type, old.prompt_id, old.prompt_version, old.provider, old.model,
        old.key_id,
        old.status, old.response_errors ->> 'code', old.tokens_input, old.tokens_output, old.tokens_total,
        old.tokens_cache_read,
        old.tokens_cache_write_5m, old.tokens_cache_write_1h, old.tokens_reasoning, old.usage_estimated, old.cost,
        old.time_to_first_token, old.total_time, old.created_at, old.completed_at)
        is distinct from
        (new.user_id, new.run_id, new.source_type, new.prompt_id, new.prompt_version, new.provider, new.model,
        new.key_id,
        new.status, new.response_errors ->> 'code', new.tokens_input, new.tokens_output, new.tokens_total,
        new.tokens_cache_read,
        new.tokens_cache_write_5m, new.tokens_cache_write_1h, new.tokens_reasoning, new.usage_estimated, new.cost,
        new.time_to_first_token, new.total_time, new.created_at, new.completed_at))
    execute function airuns.count_task();
create trigger use_dropped_task after delete on airuns.ai_tasks
    for each row when (old.completed_at is not null) execute function airuns.count_task();

create function airuns.count_run() returns trigger language plpgsql as $$
begin
    if current_user <> 'airuns_app' then
        return old; -- as in count_task
    end if;
    insert into airuns.usage_changes (user_id, run_id, at, tag, source_type, prompt_id, prompt_version, runs)
    select r.user_id, r.id, date_bin('1 hour', r.created_at, timestamptz '2000-01-01 00:00Z'), l.tag, r.source_type,
        coalesce(r.prompt_id, '00000000-0000-0000-0000-000000000000'), coalesce(r.prompt_version, 0), r.sign
    from (values
        (-1, old.user_id, old.id, old.created_at, old.source_type, old.prompt_id, old.prompt_version, old.tags),
        (1, new.user_id, new.id, new.created_at, new.source_type, new.prompt_id, new.prompt_version, new.tags)
    ) as r (sign, user_id, id, created_at, source_type, prompt_id, prompt_version, tags)
    cross join lateral (select '' union select unnest(r.tags)) as l (tag)
    where r.user_id is not null;
    if tg_op = 'DELETE' or (tg_op = 'UPDATE' and old.tags <> new.tags) then
        insert into airuns.usage_changes (user_id, run_id, at, tag,
            source_type, prompt_id, prompt_version, provider, model, key_id, status, error_code,
            runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total,
            tokens_cache_read,
            tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens, generated_us,
            first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost, first_token_histogram,
            total_time_histogram)
        select u.user_id, u.run_id, u.at, l.tag,
            u.source_type, u.prompt_id, u.prompt_version, u.provider, u.model, u.key_id, u.status, u.error_code,
            sum(u.runs) * l.sign, sum(u.tasks) * l.sign, sum(u.failed) * l.sign,
            sum(u.counted) * l.sign, sum(u.priced) * l.sign, sum(u.estimated) * l.sign, sum(u.tokens_input) * l.sign,
            sum(u.tokens_output) * l.sign,
            sum(u.tokens_total) * l.sign, sum(u.tokens_cache_read) * l.sign, sum(u.tokens_cache_write_5m) * l.sign,
            sum(u.tokens_cache_write_1h) * l.sign, sum(u.tokens_reasoning) * l.sign, sum(u.generated_tokens) * l.sign,
            sum(u.generated_us) * l.sign, sum(u.first_token_tasks) * l.sign, sum(u.first_token_us) * l.sign,
            sum(u.total_time_tasks) * l.sign, sum(u.total_time_us) * l.sign, sum(u.cost) * l.sign,
            sum(u.first_token_histogram) * l.sign, sum(u.total_time_histogram) * l.sign
        from airuns.task_usage as u
        cross join (
            select -1, g.tag from (
                select '' where tg_op = 'DELETE'
                union
                select unnest(array_remove(old.tags, '')) except select unnest(new.tags)) as g (tag)
            union all
            select 1, c.tag from (
                select unnest(array_remove(new.tags, '')) except select unnest(old.tags)) as c (tag)
        ) as l (sign, tag)
        where u.user_id = old.user_id and u.run_id = old.id
        group by u.user_id, u.run_id, u.at, l.tag, l.sign,
            u.source_type, u.prompt_id, u.prompt_version, u.provider, u.model, u.key_id, u.status, u.error_code;
    end if;
    return old;
end
$$;
comment on function airuns.count_run() is 'Notes that a run began, that its tags have changed, for which its tasks are then counted, or that it goes with all of its tasks.';
create trigger use_new_run after insert on airuns.ai_runs for each row when (not new.added) execute function airuns.count_run();
create trigger use_changed_run after update of tags, source_type, source_id, prompt_version,
    created_at on airuns.ai_runs
    for each row when (
        (old.tags, old.source_type, old.source_id, old.prompt_version, old.created_at)
        is distinct from (new.tags, new.source_type, new.source_id, new.prompt_version, new.created_at))
    execute function airuns.count_run();
create trigger use_dropped_run before delete on airuns.ai_runs for each row execute function airuns.count_run();

