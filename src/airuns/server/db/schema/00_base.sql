-- The schema, who may do what in it, and whose transaction this is.

create schema if not exists airuns; -- the migrations keep their version in it
comment on schema airuns is 'AI Runs: every conversation that people and programs have with language models.';

-- The owner of the schema migrates it. Roles live in the cluster, not in the database, so another
-- database of the same cluster may have made them already.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['airuns_app', 'airuns_service'] loop
        begin
            execute format('create role %I login noinherit', wanted);
        exception
            when duplicate_object or unique_violation then null;
        end;
    end loop;
end
$$;

do $$
begin
    if not pg_catalog.pg_has_role(current_user, 'airuns_app', 'set') then
        execute format('grant airuns_app, airuns_service to %I', current_user);
    end if;
exception
    when invalid_parameter_value then -- PostgreSQL 15 does not know the privilege SET
        execute format('grant airuns_app, airuns_service to %I', current_user);
end
$$;

grant usage on schema airuns to airuns_app, airuns_service;

-- The context of a transaction is set by SET LOCAL and nothing else, because only that reaches the
-- workers of a cluster. After a commit such a setting is '', not null, and '' is no uuid.
-- These functions have no SET clause, so PostgreSQL inlines them and a key's index serves the policy.

create function airuns.current_user_id() returns uuid
    language sql stable parallel safe
    return nullif(pg_catalog.current_setting('airuns.user_id', true), '')::uuid;
comment on function airuns.current_user_id() is 'The user whose rows exist in this transaction; null: none do.';

create function airuns.current_run_id() returns uuid
    language sql stable parallel safe
    return nullif(pg_catalog.current_setting('airuns.run_id', true), '')::uuid;
comment on function airuns.current_run_id() is 'The only run that exists in this transaction; null: all of the user''s.';

create function airuns.may_write() returns boolean
    language sql stable parallel safe
    return pg_catalog.current_setting('airuns.access', true) is distinct from 'read';
comment on function airuns.may_write() is 'False in a transaction opened under a read grant.';

create function airuns.touch() returns trigger language plpgsql as $$
begin
    if new.updated_at is not distinct from old.updated_at then
        new.updated_at := now();
    end if;
    return new;
end
$$;
comment on function airuns.touch() is 'Keeps updated_at; a statement that sets it, as an import does, has its way.';
