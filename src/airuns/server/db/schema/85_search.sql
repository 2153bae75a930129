-- Search: what is waiting to be indexed, the index, and the only functions that read it.
-- Words are made in Python (server/search/words.py). Each lexeme begins with a few characters that stand for
-- its user and bucket, so that the one GIN index has lists per user and bucket: a search reads nobody else's,
-- and one for a common word ends at the newest buckets.

create table airuns.search_queue (
    user_id uuid not null,
    added_at timestamptz not null default now(),
    id uuid not null default gen_random_uuid(),
    run_id uuid not null,
    message_id uuid,
    primary key (user_id, added_at, id)
);
comment on table airuns.search_queue is 'What waits to be indexed: a message, or the own words of a run. It may be there twice; nobody waits for anybody to add a row.';
comment on column airuns.search_queue.message_id is 'Null: the run''s name, description and tags.';
alter table airuns.search_queue enable row level security;
alter table airuns.search_queue force row level security;
grant insert on airuns.search_queue to airuns_app;
grant select, insert, delete on airuns.search_queue to airuns_service;
create policy "users have their words indexed" on airuns.search_queue for insert to airuns_app
    with check (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end and airuns.may_write());
create policy "the indexer sees what waits" on airuns.search_queue for select to airuns_service using (true);
create policy "the indexer adds what is indexed anew" on airuns.search_queue for insert to airuns_service with check (true);
create policy "the indexer takes what waits" on airuns.search_queue for delete to airuns_service using (true);

create table airuns.search_buckets (
    user_id uuid not null references airuns.users (id) on delete cascade,
    bucket integer not null check (bucket >= 0),
    has_names boolean not null,
    prefix text not null check (length(prefix) = 5),
    documents integer not null default 0,
    last_at timestamptz not null default '-infinity',
    is_closed boolean not null default false,
    primary key (user_id, bucket)
);
comment on table airuns.search_buckets is 'The documents of a user in portions, in the order in which they were indexed. Who indexes for a user holds the lock on bucket 0.';
comment on column airuns.search_buckets.has_names is 'It has the own words of runs; the others have messages.';
comment on column airuns.search_buckets.prefix is 'What its lexemes begin with. That another bucket has the same would cost time and show nothing.';
comment on column airuns.search_buckets.last_at is 'No document in it is later.';
comment on column airuns.search_buckets.is_closed is 'It is full, and search_vocabulary has its words: a search passes it by unless they are among them.';
alter table airuns.search_buckets enable row level security;
alter table airuns.search_buckets force row level security;
grant select, insert, update on airuns.search_buckets to airuns_service;
create policy "the indexer sees buckets" on airuns.search_buckets for select to airuns_service using (true);
create policy "the indexer adds buckets" on airuns.search_buckets for insert to airuns_service with check (true);
create policy "the indexer fills buckets" on airuns.search_buckets for update to airuns_service using (true) with check (true);

create table airuns.search_documents (
    user_id uuid not null,
    run_id uuid not null,
    message_id uuid not null,
    part smallint not null check (part >= 0),
    bucket integer not null,
    at timestamptz not null,
    words tsvector not null,
    primary key (user_id, run_id, message_id, part),
    foreign key (user_id, run_id) references airuns.ai_runs (user_id, id) on delete cascade
);
comment on table airuns.search_documents is 'The words of messages and of runs, for search. Made from them, and made anew by: airuns search reindex.';
comment on column airuns.search_documents.message_id is 'All zeros: the run''s own name, description and tags.';
comment on column airuns.search_documents.part is 'A long message has several.';
comment on column airuns.search_documents.at is 'When the message was added, or the run last had one.';
-- Words that wait are taken into it at the end of each batch (search_sort_in), so that no search reads many.
create index search_words on airuns.search_documents using gin (words) with (fastupdate = on);
create index search_documents_of_bucket on airuns.search_documents (user_id, bucket);
alter table airuns.search_documents enable row level security;
alter table airuns.search_documents force row level security;
grant select, insert, delete on airuns.search_documents to airuns_service;
create policy "the indexer sees documents" on airuns.search_documents for select to airuns_service using (true);
create policy "the indexer adds documents" on airuns.search_documents for insert to airuns_service with check (true);
create policy "the indexer replaces documents" on airuns.search_documents for delete to airuns_service using (true);

create table airuns.search_vocabulary (
    user_id uuid not null,
    bucket integer not null,
    part integer not null check (part >= 0),
    words tsvector not null,
    primary key (user_id, bucket, part),
    foreign key (user_id, bucket) references airuns.search_buckets (user_id, bucket) on delete cascade
);
comment on table airuns.search_vocabulary is 'Which words a closed bucket has, without places. It tells at once where a rare word is, however many buckets there are.';
comment on column airuns.search_vocabulary.part is 'A tsvector holds 1 MB at most, so many words are in several, cut by the alphabet.';
comment on column airuns.search_vocabulary.words is 'Each begins with the characters of the user with which the prefix of a bucket begins.';
create index search_vocabulary_words on airuns.search_vocabulary using gin (words) with (fastupdate = off);
alter table airuns.search_vocabulary enable row level security;
alter table airuns.search_vocabulary force row level security;
grant select, insert, delete on airuns.search_vocabulary to airuns_service;
create policy "the indexer sees vocabularies" on airuns.search_vocabulary for select to airuns_service using (true);
create policy "the indexer adds vocabularies" on airuns.search_vocabulary for insert to airuns_service with check (true);
create policy "the indexer drops vocabularies" on airuns.search_vocabulary for delete to airuns_service using (true);

-- The indexer reads all users' texts, and nothing else of their rows.
grant select (user_id, id, name, description, tags, last_message_at) on airuns.ai_runs to airuns_service;
create policy "the indexer sees runs" on airuns.ai_runs for select to airuns_service using (true);
grant select (user_id, id, run_id, role, content, created_at) on airuns.ai_messages to airuns_service;
create policy "the indexer sees messages" on airuns.ai_messages for select to airuns_service using (true);

create function airuns.search_sort_in() returns void
    language plpgsql security definer set search_path = '' as $$
begin
    perform pg_catalog.gin_clean_pending_list('airuns.search_words');
end
$$;
comment on function airuns.search_sort_in() is 'Takes the words of a batch into their places in the index, which only its owner may: all of a word at once, in half of the time.';
revoke execute on function airuns.search_sort_in() from public;
grant execute on function airuns.search_sort_in() to airuns_service;

create function airuns.queue_message() returns trigger language plpgsql as $$
begin
    insert into airuns.search_queue (user_id, run_id, message_id) values (new.user_id, new.run_id, new.id);
    return null;
end
$$;
comment on function airuns.queue_message() is 'Has a message indexed.';
create trigger queue_message after insert on airuns.ai_messages
    for each row when (new.content <> '' and new.added is not null) execute function airuns.queue_message();

create function airuns.queue_run() returns trigger language plpgsql as $$
begin
    insert into airuns.search_queue (user_id, run_id) values (new.user_id, new.id);
    return null;
end
$$;
comment on function airuns.queue_run() is 'Has the own words of a run indexed.';
create trigger queue_new_run after insert on airuns.ai_runs
    for each row when (not new.added) execute function airuns.queue_run();
create trigger queue_changed_run after update of name, description, tags on airuns.ai_runs
    for each row when (
        old.name is distinct from new.name
        or old.description is distinct from new.description
        or old.tags is distinct from new.tags)
    execute function airuns.queue_run();

-- Under row level security a GIN index serves no condition of a user's role, because @@ is not leakproof. So these
-- functions run as the service, to which every row exists, and name the user themselves.

create function airuns.refuse_others(of_user uuid) returns void
    language plpgsql stable set search_path = '' as $$
begin
    if of_user is null or of_user is distinct from airuns.current_user_id() then
        raise exception 'not your search' using errcode = 'insufficient_privilege';
    end if;
end
$$;
comment on function airuns.refuse_others(uuid) is 'Raises insufficient_privilege unless it is the user of the transaction.';

create function airuns.search_shelves(of_user uuid, wanted tsquery[])
    returns table (bucket integer, has_names boolean, prefix text, last_at timestamptz)
    language plpgsql stable security definer set search_path = '' set enable_seqscan = off as $$
declare
    each tsquery;
    possible integer[];
begin
    perform airuns.refuse_others(of_user);
    foreach each in array wanted loop
        select coalesce(array_agg(distinct v.bucket), '{}') into possible
        from airuns.search_vocabulary as v
        left join unnest(possible) as p (bucket) on p.bucket = v.bucket
        where v.user_id is not distinct from of_user and v.words @@ each
            and (possible is null or p.bucket is not null);
    end loop;
    return query
    select b.bucket, b.has_names, b.prefix, b.last_at
    from airuns.search_buckets as b
    left join unnest(possible) as p (bucket) on p.bucket = b.bucket
    where b.user_id = of_user and b.documents > 0
        and (possible is null or p.bucket is not null or not b.is_closed)
    order by b.last_at desc, b.bucket desc;
end
$$;
comment on function airuns.search_shelves(uuid, tsquery[]) is 'A user''s buckets that may have a document with a word of each of `wanted`, the latest first.';

-- Each bucket is asked for by itself: one query of them all would look at each document with the words of all. Not
-- `user_id = of_user`: the planner, which cannot know how rare words are, would read all of the user's by the key.
create function airuns.search_matches(of_user uuid, buckets integer[], matching tsquery[], ranking tsquery[],
    until_at timestamptz, until_run uuid, most integer)
    returns table (run_id uuid, message_id uuid, at timestamptz, rank real)
    language plpgsql stable security definer
    set search_path = '' set enable_seqscan = off set max_parallel_workers_per_gather = 0 set jit = off as $$
begin
    perform airuns.refuse_others(of_user);
    return query
    select f.run_id, f.message_id, f.at, pg_catalog.ts_rank_cd('{0.1, 0.2, 0.4, 1}', f.words, f.ranking, 1)
    from (
        select m.run_id, m.message_id, m.at, m.words, b.ranking
        from unnest(buckets, matching, ranking) as b (bucket, matching, ranking)
        cross join lateral (
            select d.run_id, d.message_id, d.at, d.words
            from airuns.search_documents as d
            where d.user_id is not distinct from of_user and d.bucket = b.bucket and d.words @@ b.matching
                and (d.at, d.run_id) <= (until_at, until_run)
                and case when airuns.current_run_id() is null then true else d.run_id = airuns.current_run_id() end
            order by d.at desc, d.run_id desc, d.message_id desc
            limit most
        ) as m
        order by m.at desc, m.run_id desc, m.message_id desc
        limit most
    ) as f;
end
$$;
comment on function airuns.search_matches(uuid, integer[], tsquery[], tsquery[], timestamptz, uuid, integer) is 'Documents in some buckets that match, the latest first, with how well; each bucket has its own queries.';

create function airuns.search_in_runs(of_user uuid, run_ids uuid[], template text, ranking text, most integer)
    returns table (run_id uuid, message_id uuid, at timestamptz, rank real)
    language plpgsql stable security definer
    set search_path = '' set enable_seqscan = off set max_parallel_workers_per_gather = 0 set jit = off as $$
begin
    perform airuns.refuse_others(of_user);
    return query
    select m.run_id, m.message_id, m.at,
        pg_catalog.ts_rank_cd('{0.1, 0.2, 0.4, 1}', m.words, replace(ranking, '§', m.prefix)::tsquery, 1)
    from unnest(run_ids) as r (id)
    cross join lateral (
        select d.run_id, d.message_id, d.at, d.words, b.prefix
        from airuns.search_documents as d
        join airuns.search_buckets as b on b.user_id = of_user and b.bucket = d.bucket
        where d.user_id = of_user and d.run_id = r.id
            and d.words @@ replace(template, '§', b.prefix)::tsquery
            and case when airuns.current_run_id() is null then true else d.run_id = airuns.current_run_id() end
        order by d.at desc, d.message_id desc
        limit most
    ) as m
    order by m.at desc, m.run_id desc, m.message_id desc;
end
$$;
comment on function airuns.search_in_runs(uuid, uuid[], text, text, integer) is 'Documents of some runs that match, at most so many of each, the latest first; in a template § stands for a bucket''s prefix.';

create function airuns.search_lag(of_user uuid)
    returns table (waiting bigint, lag_seconds double precision)
    language plpgsql stable security definer set search_path = '' as $$
begin
    perform airuns.refuse_others(of_user);
    return query
    select count(*), coalesce(extract(epoch from now() - min(q.added_at)), 0)::double precision
    from (
        select w.added_at
        from airuns.search_queue as w
        where w.user_id = of_user
            and case when airuns.current_run_id() is null then true else w.run_id = airuns.current_run_id() end
        order by w.added_at
        limit 1000
    ) as q;
end
$$;
comment on function airuns.search_lag(uuid) is 'How many of a user''s texts wait to be indexed, at most 1000, and for how long the oldest has.';

revoke execute on function airuns.search_shelves(uuid, tsquery[]),
    airuns.search_matches(uuid, integer[], tsquery[], tsquery[], timestamptz, uuid, integer),
    airuns.search_in_runs(uuid, uuid[], text, text, integer),
    airuns.search_lag(uuid) from public;
grant execute on function airuns.search_shelves(uuid, tsquery[]),
    airuns.search_matches(uuid, integer[], tsquery[], tsquery[], timestamptz, uuid, integer),
    airuns.search_in_runs(uuid, uuid[], text, text, integer),
    airuns.search_lag(uuid) to airuns_app;

-- A function belongs to a role that may create in its schema, for the moment in which it is handed over.
grant create on schema airuns to airuns_service;
alter function airuns.search_shelves(uuid, tsquery[]) owner to airuns_service;
alter function airuns.search_matches(uuid, integer[], tsquery[], tsquery[], timestamptz, uuid, integer) owner to airuns_service;
alter function airuns.search_in_runs(uuid, uuid[], text, text, integer) owner to airuns_service;
alter function airuns.search_lag(uuid) owner to airuns_service;
revoke create on schema airuns from airuns_service;
