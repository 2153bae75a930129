-- The database keeps itself right: timestamps, counts and totals.
-- All are row triggers, and each touches only rows of the same user.

create trigger touch before update on airuns.ai_runs for each row execute function airuns.touch();
create trigger touch before update on airuns.ai_tasks for each row execute function airuns.touch();

create function airuns.end_task() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.completed_at is not null and new.status is distinct from old.status then
        raise exception 'task % has ended as %', old.task_id, old.status using errcode = 'AR001';
    end if;
    if new.status in ('completed', 'error', 'timeout', 'cancelled') then
        new.completed_at := coalesce(new.completed_at, now());
    else
        new.completed_at := null;
    end if;
    return new;
end
$$;
comment on function airuns.end_task() is 'Keeps completed_at; an ended task keeps its status (AR001).';
create trigger end_task before insert or update of status on airuns.ai_tasks
    for each row execute function airuns.end_task();

create function airuns.inherit_source() returns trigger language plpgsql as $$
begin
    select r.source_type, r.prompt_id, r.prompt_version into new.source_type, new.prompt_id, new.prompt_version
    from airuns.ai_runs as r
    where r.user_id = new.user_id and r.id = new.run_id;
    return new;
end
$$;
comment on function airuns.inherit_source() is 'Gives a task the source, the prompt and the version of its run.';
create trigger inherit_source before insert on airuns.ai_tasks
    for each row when (new.source_type is null) execute function airuns.inherit_source();

create function airuns.keep_in_run() returns trigger language plpgsql as $$
begin
    raise exception 'task % stays in its run, where its question and its answer are', old.task_id using errcode = 'AR002';
end
$$;
comment on function airuns.keep_in_run() is 'Refuses to move a task to another run (AR002): neither the counts of runs nor the usage would follow.';
create trigger keep_in_run after update of run_id on airuns.ai_tasks
    for each row when (old.run_id <> new.run_id) execute function airuns.keep_in_run();

create function airuns.preview(of_text text) returns text language plpgsql immutable as $$
begin
    return rtrim(left(ltrim(regexp_replace(left(of_text, 400), '\s+', ' ', 'g')), 160));
end
$$;
comment on function airuns.preview(text) is 'How a text begins, on one line: at most 160 characters.';

create function airuns.count_message() returns trigger language plpgsql as $$
begin
    update airuns.ai_runs
    set message_count = message_count + new.added,
        last_message_at = greatest(last_message_at, new.created_at),
        preview = coalesce(nullif(airuns.preview(new.content), ''), preview)
    where user_id = new.user_id and id = new.run_id;
    return null;
end
$$;
comment on function airuns.count_message() is 'Keeps message_count, last_message_at and preview of the run.';
create trigger count_message after insert on airuns.ai_messages
    for each row when (new.added > 0) execute function airuns.count_message();

create function airuns.sum_task() returns trigger language plpgsql as $$
declare
    of_user uuid;
    of_run uuid;
    tasks integer := 0;
    ended integer := 0;
    counted integer := 0;
    priced integer := 0;
    tokens bigint := 0;
    spent numeric := 0;
    failure text;
begin
    if tg_op <> 'INSERT' then
        of_user := old.user_id;
        of_run := old.run_id;
        tasks := tasks - 1;
        ended := ended - (old.completed_at is not null)::integer;
        counted := counted - (old.tokens_total is not null)::integer;
        priced := priced - (old.cost is not null)::integer;
        tokens := tokens - coalesce(old.tokens_total, 0);
        spent := spent - coalesce(old.cost, 0);
    end if;
    if tg_op <> 'DELETE' then
        of_user := new.user_id;
        of_run := new.run_id;
        tasks := tasks + 1;
        ended := ended + (new.completed_at is not null)::integer;
        counted := counted + (new.tokens_total is not null)::integer;
        priced := priced + (new.cost is not null)::integer;
        tokens := tokens + coalesce(new.tokens_total, 0);
        spent := spent + coalesce(new.cost, 0);
    end if;
    if tg_op <> 'DELETE' and new.status in ('error', 'timeout') and new.response_text = ''
        and (tg_op = 'INSERT' or old.status <> new.status) then
        failure := nullif(airuns.preview(new.response_errors ->> 'message'), '');
    end if;

    update airuns.ai_runs as r
    set task_count = r.task_count + tasks,
        ended_task_count = r.ended_task_count + ended,
        counted_task_count = r.counted_task_count + counted,
        priced_task_count = r.priced_task_count + priced,
        total_tokens = case
            when r.counted_task_count + counted > 0 or r.ended_task_count + ended = 0
            then coalesce(r.total_tokens, 0) + tokens
        end,
        total_cost = case
            when r.priced_task_count + priced > 0 or r.ended_task_count + ended = 0
            then coalesce(r.total_cost, 0) + spent
        end,
        status = case
            when tg_op = 'DELETE' or (tg_op = 'UPDATE' and old.status = new.status) then r.status
            when new.status in ('error', 'timeout') then 'error'
            when tg_op = 'INSERT' and new.completed_at is null then 'active'
            when new.status = 'completed' and r.status = 'error' then 'active'
            else r.status
        end,
        last_task_id = case when tg_op = 'INSERT' then new.task_id else r.last_task_id end,
        last_task_status = case
            when tg_op = 'INSERT' or r.last_task_id = new.task_id
            then case when new.completed_at is null then 'pending' else new.status end
            else r.last_task_status
        end,
        preview = case
            when tg_op = 'INSERT' or r.last_task_id = new.task_id then coalesce(failure, r.preview)
            else r.preview
        end
    where r.user_id = of_user and r.id = of_run;

    if tg_op = 'DELETE' then
        update airuns.ai_runs as r
        set (last_task_id, last_task_status) = (
            select t.task_id, case when t.completed_at is null then 'pending' else t.status end
            from airuns.ai_tasks as t
            where t.user_id = of_user and t.run_id = of_run
            order by t.created_at desc, t.task_id desc
            limit 1)
        where r.user_id = of_user and r.id = of_run and r.last_task_id = old.task_id;
    end if;
    return null;
end
$$;
comment on function airuns.sum_task() is 'Keeps counts, totals, status and newest task of the run; total_* are null when nothing is known of any ended task.';
create trigger sum_new_task after insert on airuns.ai_tasks
    for each row when (not new.added) execute function airuns.sum_task();
create trigger sum_changed_task after update of status, tokens_total, cost on airuns.ai_tasks
    for each row when (
        (old.status is distinct from new.status and new.status <> 'streaming')
        or old.tokens_total is distinct from new.tokens_total
        or old.cost is distinct from new.cost)
    execute function airuns.sum_task();
create trigger sum_dropped_task after delete on airuns.ai_tasks
    for each row execute function airuns.sum_task();
