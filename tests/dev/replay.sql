-- Puts the seeded rows of all users in again one by one, in the order in which they came about, with triggers on.

create temporary table seeded_runs as table airuns.ai_runs;
create temporary table seeded_tasks as table airuns.ai_tasks;
create temporary table seeded_messages as table airuns.ai_messages;
create index on seeded_tasks (task_id);
create index on seeded_messages (id);
analyze seeded_tasks, seeded_messages;
set session_replication_role = replica;
delete from airuns.ai_messages;
delete from airuns.ai_tasks;
delete from airuns.ai_runs;
set session_replication_role = origin;

insert into airuns.ai_runs (user_id, id, source_type, source_id, prompt_version, name, created_at, last_message_at)
select user_id, id, source_type, source_id, prompt_version, name, created_at, created_at from seeded_runs;

do $$
declare
    next record;
begin
    for next in
        select created_at, 2 as step, id, null::uuid as task_id, null::json as metadata from seeded_messages
        union all select created_at, 1, null, task_id, null from seeded_tasks
        order by created_at, step, id
    loop
        if next.id is not null then
            insert into airuns.ai_messages select * from seeded_messages where id = next.id;
        else
            insert into airuns.ai_tasks
            select (jsonb_populate_record(null::airuns.ai_tasks, to_jsonb(t) || jsonb_build_object(
                'status', 'pending', 'completed_at', null, 'tokens_total', null, 'cost', null))).*
            from seeded_tasks as t where task_id = next.task_id;
            update airuns.ai_tasks as t
            set status = s.status, completed_at = s.completed_at, tokens_total = s.tokens_total, cost = s.cost
            from seeded_tasks as s
            where t.task_id = next.task_id and s.task_id = t.task_id;
        end if;
    end loop;
end
$$;
