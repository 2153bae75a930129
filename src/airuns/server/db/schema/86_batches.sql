-- What comes in batches, from programs that call models themselves, is counted and indexed once a batch: a run's row has
-- a dozen indexes, and updating it for each message and each task was most of what they cost. Each row is looked up by
-- its key (the limits hold the planner to that): what is known of a table that has just begun to grow
-- leads to reading all of it.

create function airuns.count_added(
    of_user uuid, of_runs uuid[], of_heads uuid[], new_runs uuid[], new_messages uuid[], new_tasks uuid[]
) returns void language plpgsql as $$
begin
    with s as materialized (
        select g.run_id, g.head, m.messages, m.last_at, m.last_text, t.tasks, t.ended, t.counted, t.priced, t.tokens,
            t.spent, t.failed, t.last_id, t.last_status, t.last_word, t.failure
        from unnest(of_runs, of_heads) as g (run_id, head)
        left join (
            select a.run_id, count(*) as messages, max(a.created_at) as last_at,
                (array_agg(a.begins order by o.place desc) filter (where a.begins ~ '\S'))[1] as last_text
            from unnest(new_messages) with ordinality as o (id, place)
            cross join lateral (
                select x.run_id, left(x.content, 400) as begins, x.created_at
                from airuns.ai_messages as x
                where x.user_id = of_user and x.id = o.id and x.added is null
                limit 1
            ) as a
            group by a.run_id
        ) as m on m.run_id = g.run_id
        left join (
            select a.run_id, count(*) as tasks, count(a.completed_at) as ended, count(a.tokens_total) as counted,
                count(a.cost) as priced, sum(a.tokens_total) as tokens, sum(a.cost) as spent,
                bool_or(a.status in ('error', 'timeout')) as failed,
                (array_agg(a.task_id order by o.place desc))[1] as last_id,
                (array_agg(case when a.completed_at is null then 'pending' else a.status end order by o.place desc))[1]
                    as last_status,
                (array_agg(a.status order by o.place desc) filter (where a.status <> 'cancelled'))[1] as last_word,
                (array_agg(a.failure order by o.place desc))[1] as failure
            from unnest(new_tasks) with ordinality as o (id, place)
            cross join lateral (
                select x.run_id, x.task_id, x.status, x.completed_at, x.tokens_total, x.cost,
                    case when x.status in ('error', 'timeout') and x.response_text = ''
                        then x.response_errors ->> 'message' end as failure
                from airuns.ai_tasks as x
                where x.user_id = of_user and x.task_id = o.id and x.added
                limit 1
            ) as a
            group by a.run_id
        ) as t on t.run_id = g.run_id
    )
    update airuns.ai_runs as r
    set head_message_id = coalesce(s.head, r.head_message_id),
        message_count = r.message_count + coalesce(s.messages, 0),
        last_message_at = greatest(r.last_message_at, s.last_at),
        preview = coalesce(nullif(airuns.preview(coalesce(s.failure, s.last_text)), ''), r.preview),
        task_count = r.task_count + coalesce(s.tasks, 0),
        ended_task_count = r.ended_task_count + coalesce(s.ended, 0),
        counted_task_count = r.counted_task_count + coalesce(s.counted, 0),
        priced_task_count = r.priced_task_count + coalesce(s.priced, 0),
        total_tokens = case
            when r.counted_task_count + coalesce(s.counted, 0) > 0 or r.ended_task_count + coalesce(s.ended, 0) = 0
            then coalesce(r.total_tokens, 0) + coalesce(s.tokens, 0)
        end,
        total_cost = case
            when r.priced_task_count + coalesce(s.priced, 0) > 0 or r.ended_task_count + coalesce(s.ended, 0) = 0
            then coalesce(r.total_cost, 0) + coalesce(s.spent, 0)
        end,
        status = case
            when s.last_word in ('error', 'timeout') then 'error'
            when s.last_word in ('pending', 'streaming') then 'active'
            when s.last_word = 'completed' and (r.status = 'error' or s.failed) then 'active'
            else r.status
        end,
        last_task_id = coalesce(s.last_id, r.last_task_id),
        last_task_status = coalesce(s.last_status, r.last_task_status)
    from s
    where r.user_id = of_user and r.id = any (of_runs) and r.id = s.run_id;

    insert into airuns.usage_changes (user_id, run_id, at, tag, source_type, prompt_id, prompt_version, runs)
    select of_user, r.run_id, r.at, l.tag, r.source_type, r.prompt_id, r.prompt_version, 1
    from unnest(new_runs) as o (id)
    cross join lateral (
        select a.* from airuns.run_usage as a where a.user_id = of_user and a.run_id = o.id limit 1
    ) as r
    cross join lateral (select '' union select unnest(r.tags)) as l (tag);

    insert into airuns.usage_changes (user_id, run_id, at, tag,
        source_type, prompt_id, prompt_version, provider, model, key_id, status, error_code,
        runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total, tokens_cache_read,
        tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens, generated_us,
        first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost, first_token_histogram,
        total_time_histogram)
    select u.user_id, u.run_id, u.at, l.tag,
        u.source_type, u.prompt_id, u.prompt_version, u.provider, u.model, u.key_id, u.status, u.error_code,
        sum(u.runs), sum(u.tasks), sum(u.failed), sum(u.counted), sum(u.priced), sum(u.estimated),
        sum(u.tokens_input), sum(u.tokens_output), sum(u.tokens_total), sum(u.tokens_cache_read),
        sum(u.tokens_cache_write_5m), sum(u.tokens_cache_write_1h), sum(u.tokens_reasoning), sum(u.generated_tokens),
        sum(u.generated_us), sum(u.first_token_tasks), sum(u.first_token_us), sum(u.total_time_tasks),
        sum(u.total_time_us), sum(u.cost), sum(u.first_token_histogram), sum(u.total_time_histogram)
    from unnest(new_tasks) as o (id)
    cross join lateral (
        select a.* from airuns.task_usage as a where a.user_id = of_user and a.task_id = o.id limit 1
    ) as u
    cross join lateral (
        select a.tags from airuns.ai_runs as a where a.user_id = of_user and a.id = u.run_id limit 1
    ) as r
    cross join lateral (select '' union select unnest(r.tags)) as l (tag)
    group by u.user_id, u.run_id, u.at, l.tag,
        u.source_type, u.prompt_id, u.prompt_version, u.provider, u.model, u.key_id, u.status, u.error_code;

    insert into airuns.search_queue (user_id, run_id)
    select of_user, o.id from unnest(new_runs) as o (id);
    insert into airuns.search_queue (user_id, run_id, message_id)
    select of_user, m.run_id, o.id
    from unnest(new_messages) as o (id)
    cross join lateral (
        select a.run_id from airuns.ai_messages as a where a.user_id = of_user and a.id = o.id and a.content <> '' limit 1
    ) as m;
end
$$;
comment on function airuns.count_added(uuid, uuid[], uuid[], uuid[], uuid[], uuid[]) is 'Counts what was added in a batch (see ai_runs.added), in its order: the runs'' counts, totals and heads (null: as it is), the usage, and what waits to be indexed. To be called once, by the transaction that added them.';
