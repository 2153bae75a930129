-- What search by meaning keeps: made when it is configured, and no part of the schema otherwise.
-- {model}, {dimensions}, {vectors} and {about} are filled in (meaning_tables.py).

drop function if exists airuns.search_nearest(uuid, text, real[], uuid[], timestamptz, integer);
drop table if exists airuns.search_meanings, airuns.search_meaning_buckets;

create table airuns.search_meanings (
    user_id uuid not null,
    run_id uuid not null,
    message_id uuid not null,
    part smallint not null check (part >= 0),
    at timestamptz not null,
    model text not null check (model = {model}),
    embedding {vectors}.halfvec({dimensions}),
    primary key (user_id, run_id, message_id, part),
    foreign key (user_id, run_id) references airuns.ai_runs (user_id, id) on delete cascade
);
comment on table airuns.search_meanings is {about};
comment on column airuns.search_meanings.part is 'A long message has several.';
comment on column airuns.search_meanings.model is 'Always the same: a server with another model cannot write here.';
comment on column airuns.search_meanings.embedding is 'Null: it has none, as neither a user nor a model said it, or the model refuses it.';
create index search_meanings_near on airuns.search_meanings using hnsw (embedding {vectors}.halfvec_cosine_ops);
alter table airuns.search_meanings enable row level security;
alter table airuns.search_meanings force row level security;
grant select, insert, delete on airuns.search_meanings to airuns_service;
create policy "the embedder sees meanings" on airuns.search_meanings for select to airuns_service using (true);
create policy "the embedder adds meanings" on airuns.search_meanings for insert to airuns_service with check (true);
create policy "the embedder drops meanings" on airuns.search_meanings for delete to airuns_service using (true);

create table airuns.search_meaning_buckets (
    user_id uuid not null,
    bucket integer not null,
    documents integer not null default 0,
    last_at timestamptz not null default '-infinity',
    leased_until timestamptz not null,
    primary key (user_id, bucket),
    foreign key (user_id, bucket) references airuns.search_buckets (user_id, bucket) on delete cascade
);
comment on table airuns.search_meaning_buckets is 'How a bucket was when all in it had its meaning: it is looked through again once it is otherwise.';
comment on column airuns.search_meaning_buckets.leased_until is 'Until then one server works on it.';
alter table airuns.search_meaning_buckets enable row level security;
alter table airuns.search_meaning_buckets force row level security;
grant select, insert, update, delete on airuns.search_meaning_buckets to airuns_service;
create policy "the embedder sees what it has done" on airuns.search_meaning_buckets for select to airuns_service using (true);
create policy "the embedder begins buckets" on airuns.search_meaning_buckets for insert to airuns_service with check (true);
create policy "the embedder ends buckets" on airuns.search_meaning_buckets for update to airuns_service using (true) with check (true);
create policy "the embedder forgets buckets" on airuns.search_meaning_buckets for delete to airuns_service using (true);

-- The index finds neighbours of all users and leaves out those of others, so a user who has few among many would be
-- given none in the end. Whoever has few is compared with all of them, which is exact; so are a few runs.
-- `+ 0` keeps the index out, `is not distinct from` keeps to it.
create function airuns.search_nearest(of_user uuid, of_model text, near real[], among uuid[], until_at timestamptz, most integer)
    returns table (run_id uuid, message_id uuid, at timestamptz, distance double precision)
    language plpgsql stable security definer
    set search_path = '' set enable_seqscan = off set max_parallel_workers_per_gather = 0 set jit = off
    set plan_cache_mode = force_custom_plan set hnsw.iterative_scan = 'relaxed_order' set hnsw.ef_search = 200 set hnsw.max_scan_tuples = 40000 as $$
declare
    wanted {vectors}.halfvec := near::{vectors}.halfvec;
    only_run uuid := airuns.current_run_id();
    chosen uuid[] := case
        when only_run is null then among
        when among is null or only_run = any(among) then array[only_run]
        else array[]::uuid[]
    end;
    is_small boolean;
begin
    perform airuns.refuse_others(of_user);
    is_small := chosen is not null or (
        select count(*) <= 20000
        from (select from airuns.search_meanings as m where m.user_id = of_user limit 20001) as n
    );
    if is_small then
        return query
        select m.run_id, m.message_id, m.at, m.embedding operator({vectors}.<=>) wanted
        from airuns.search_meanings as m
        where m.user_id = of_user and m.model = of_model and m.embedding is not null and m.at <= until_at
            and (chosen is null or m.run_id = any(chosen))
        order by (m.embedding operator({vectors}.<=>) wanted) + 0, m.message_id
        limit most;
    else
        return query
        select m.run_id, m.message_id, m.at, m.embedding operator({vectors}.<=>) wanted
        from airuns.search_meanings as m
        where m.user_id is not distinct from of_user and m.model = of_model and m.at <= until_at
        order by m.embedding operator({vectors}.<=>) wanted
        limit most;
    end if;
end
$$;
comment on function airuns.search_nearest(uuid, text, real[], uuid[], timestamptz, integer) is 'The parts of a user''s messages whose meaning is nearest to a vector, of some runs or (null) of all; of many nearly all the nearest.';
revoke execute on function airuns.search_nearest(uuid, text, real[], uuid[], timestamptz, integer) from public;
grant execute on function airuns.search_nearest(uuid, text, real[], uuid[], timestamptz, integer) to airuns_app;
grant create on schema airuns to airuns_service;
alter function airuns.search_nearest(uuid, text, real[], uuid[], timestamptz, integer) owner to airuns_service;
revoke create on schema airuns from airuns_service;
