-- Rules that every object of the schema keeps: each query must return no rows (test_catalog.py).

-- name: tables
-- Read by the rules. `schema_version` is the migrations' own, on which nobody has a grant.
create temporary view tables as
select oid, relname, relrowsecurity, relforcerowsecurity, obj_description(oid, 'pg_class') as said
from pg_class
where relnamespace = 'airuns'::regnamespace and relkind in ('r', 'p') and relname <> 'schema_version'

-- name: tables_force_row_level_security
-- Forced, because the owner reads everything otherwise.
select relname from tables where not (relrowsecurity and relforcerowsecurity)

-- name: tables_and_views_have_comments
-- Every table and view says what it is.
select relname
from pg_class
where relnamespace = 'airuns'::regnamespace and relkind in ('r', 'p', 'v', 'm')
    and relname <> 'schema_version' and obj_description(oid, 'pg_class') is null

-- name: keys_start_with_the_user
-- Of a user's data, partial unique indexes included: users cannot collide, and a cluster can distribute by user.
select t.relname, i.indexrelid::regclass
from tables as t
join pg_index as i on i.indrelid = t.oid
left join pg_attribute as a on a.attrelid = t.oid and a.attnum = i.indkey[0]
where i.indisunique and a.attname is distinct from 'user_id'
    and coalesce(t.said, '') not like 'Reference table:%'

-- name: foreign_keys_start_with_the_user
-- Foreign keys ignore row level security, so each carries the user.
select t.relname, f.conname
from tables as t
join pg_constraint as f on f.conrelid = t.oid and f.contype = 'f'
join pg_attribute as a on a.attrelid = f.conrelid and a.attnum = f.conkey[1]
join pg_attribute as b on b.attrelid = f.confrelid and b.attnum = f.confkey[1]
where a.attname <> 'user_id'
    or (b.attname <> 'user_id' and f.confrelid <> 'airuns.users'::regclass)

-- name: foreign_keys_are_immediate
-- Neither deferred nor set to null or default, which a cluster cannot do.
select t.relname, f.conname
from tables as t
join pg_constraint as f on f.conrelid = t.oid and f.contype = 'f'
where f.condeferrable or f.confdeltype in ('n', 'd') or f.confupdtype in ('n', 'd')

-- name: foreign_keys_are_indexed
-- Deleting a parent reads its children; an index may leave out nulls, nothing else.
select t.relname, f.conname
from tables as t
join pg_constraint as f on f.conrelid = t.oid and f.contype = 'f'
where not exists (
    select from pg_index as i
    cross join lateral (
        select (string_to_array(i.indkey::text, ' ')::smallint[])[1:cardinality(f.conkey)] as led
    ) as k
    where i.indrelid = t.oid and k.led @> f.conkey and f.conkey @> k.led
        and coalesce(pg_get_expr(i.indpred, i.indrelid) ~ '^\(\w+ IS NOT NULL\)$', true))

-- name: policies_have_the_one_form
-- For a user's role: the user, narrowed to a run, and may_write() for changes. `true` is the service's.
with policies as (
    select t.oid, p.polname, p.polcmd, p.polpermissive, p.polroles::regrole[]::text as roles,
        pg_get_expr(p.polqual, t.oid) as sees, pg_get_expr(p.polwithcheck, t.oid) as writes,
        case when t.relname = 'users' then 'id' else 'user_id' end as of_user,
        case when t.relname = 'ai_runs' then 'id' else a.attname end as of_run
    from tables as t
    join pg_policy as p on p.polrelid = t.oid
    left join pg_attribute as a on a.attrelid = t.oid and a.attname = 'run_id'
), forms as (
    select *,
        format('(%s = airuns.current_user_id()) AND', of_user) || case
            when of_run is null then ' (airuns.current_run_id() IS NULL)'
            else format(E'\nCASE\n    WHEN (airuns.current_run_id() IS NULL) THEN true\n    ELSE (%s = airuns.current_run_id())\nEND', of_run)
        end as form
    from policies
), expected as (
    select *,
        case
            when roles = '{airuns_service}' then 'true'
            when polcmd = 'r' then format('(%s)', form)
            else format('(%s AND airuns.may_write())', form)
        end as expression
    from forms
)
select oid::regclass, polname, sees, writes, expression
from expected
where not polpermissive or polcmd = '*' or roles not in ('{airuns_app}', '{airuns_service}')
    or sees is distinct from case when polcmd <> 'a' then expression end
    or writes is distinct from case when polcmd in ('a', 'w') then expression end

-- name: functions_in_policies_are_inlined
-- Without a SET clause PostgreSQL inlines them, and a key's index serves the policy.
select p.oid::regprocedure
from pg_proc as p
where p.pronamespace = 'airuns'::regnamespace
    and (p.proname in ('current_user_id', 'current_run_id', 'may_write') or exists (
        select from pg_depend as d
        where d.classid = 'pg_policy'::regclass and d.refclassid = 'pg_proc'::regclass
            and d.refobjid = p.oid))
    and (p.provolatile <> 's' or p.prosecdef or p.proconfig is not null
        or p.prolang <> (select oid from pg_language where lanname = 'sql'))

-- name: definer_functions_are_closed
-- They run with their owner's rights: an empty search path, and callers who are named.
select p.oid::regprocedure
from pg_proc as p
where p.pronamespace = 'airuns'::regnamespace and p.prosecdef
    and (not coalesce('search_path=""' = any(p.proconfig), false)
        or exists (
            select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
            where a.grantee = 0 and a.privilege_type = 'EXECUTE'))

-- name: functions_with_parameters_are_plpgsql
-- A cluster runs those that are called with parameters only in plpgsql.
select p.oid::regprocedure
from pg_proc as p
join pg_language as l on l.oid = p.prolang
where p.pronamespace = 'airuns'::regnamespace and p.pronargs > 0 and l.lanname <> 'plpgsql'

-- name: functions_suit_a_cluster
-- No NOTIFY, no wall clock, no settings set by function: none of them reaches every node.
select p.oid::regprocedure
from pg_proc as p
where p.pronamespace = 'airuns'::regnamespace
    and p.prosrc ~* '\m(notify|pg_notify|clock_timestamp|set_config)\M'

-- name: triggers_are_row_triggers
-- A cluster distributes no others.
select t.tgrelid::regclass, t.tgname
from pg_trigger as t
join pg_class as c on c.oid = t.tgrelid
where c.relnamespace = 'airuns'::regnamespace and not t.tgisinternal and t.tgtype & 1 = 0

-- name: updated_at_is_kept
-- Whoever has the column has the trigger.
select t.relname
from tables as t
join pg_attribute as a on a.attrelid = t.oid and a.attname = 'updated_at'
where not exists (
    select from pg_trigger as g where g.tgrelid = t.oid and g.tgfoid = 'airuns.touch'::regproc)

-- name: views_are_security_invoker
-- Else a view shows what its owner may see.
select relname
from pg_class
where relnamespace = 'airuns'::regnamespace and relkind in ('v', 'm')
    and not coalesce('security_invoker=true' = any(reloptions), false)

-- name: roles_are_powerless
-- The roles of requests and of upkeep own nothing, bypass nothing, and can become nobody else. But the service
-- owns functions that run as it.
select r.rolname
from pg_roles as r
where r.rolname in ('airuns_app', 'airuns_service')
    and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication
        or exists (select from pg_auth_members as m where m.member = r.oid)
        or exists (select from pg_class as c where c.relowner = r.oid)
        or exists (
            select from pg_proc as p
            where p.proowner = r.oid and not (r.rolname = 'airuns_service' and p.prosecdef))
        or exists (select from pg_namespace as n where n.nspowner = r.oid)
        or has_schema_privilege(r.rolname, 'airuns', 'create'))

-- name: grants
-- Who may do what, a line for each table and role.
select relname || ' ' || grantee || ' ' || string_agg(privilege, ' ' order by privilege) as line
from (
    select c.relname, coalesce(r.rolname, 'public') as grantee,
        lower(a.privilege_type) || case when a.is_grantable then ' with grant' else '' end as privilege
    from pg_class as c
    cross join lateral aclexplode(c.relacl) as a
    left join pg_roles as r on r.oid = a.grantee
    where c.relnamespace = 'airuns'::regnamespace and a.grantee <> c.relowner
    union all
    select c.relname, coalesce(r.rolname, 'public'), format('%s(%s)', lower(x.privilege_type), a.attname)
    from pg_class as c
    join pg_attribute as a on a.attrelid = c.oid
    cross join lateral aclexplode(a.attacl) as x
    left join pg_roles as r on r.oid = x.grantee
    where c.relnamespace = 'airuns'::regnamespace
) as given
group by relname, grantee
order by relname collate "C", grantee collate "C"
