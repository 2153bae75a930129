-- Search. What users find is read by functions (schema/85_search.sql); the rest is the indexer's.

-- name: shelves
select bucket, has_names, prefix, last_at from airuns.search_shelves(%(user_id)s, %(wanted)s::text[]::tsquery[])

-- name: matches
-- The last one comes even if its run is not asked for: the caller goes on below it, and hears how many were looked at.
-- The braces are filled with fixed fragments (filters.py).
with m as materialized (
    select run_id, message_id, at, rank, count(*) over () as looked,
        row_number() over (order by at desc, run_id desc, message_id desc) as place
    from airuns.search_matches(%(user_id)s, %(buckets)s::integer[], %(matching)s::text[]::tsquery[],
        %(ranking)s::text[]::tsquery[], %(until_at)s, %(until_run)s, %(most)s)
)
select m.run_id, m.message_id, m.at, m.rank, r.id is not null as is_wanted, m.looked
from m
left join airuns.ai_runs as r on r.user_id = %(user_id)s and r.id = m.run_id {filters}
where r.id is not null or m.place = m.looked
order by m.place

-- name: in_runs
select run_id, message_id, at, rank, true as is_wanted
from airuns.search_in_runs(%(user_id)s, %(run_ids)s, %(matching)s, %(ranking)s, %(most)s)

-- name: filtered_runs
-- Where filters leave few runs, those are searched; the newest, one more than that are few.
select id
from airuns.ai_runs
where user_id = %(user_id)s {filters}
order by last_message_at desc, id desc
limit %(limit)s

-- name: runs_left
-- Those of some runs that filters leave.
select id
from airuns.ai_runs
where user_id = %(user_id)s and id = any(%(run_ids)s) {filters}

-- name: found_runs
select id, source_type, source_id, prompt_id, name, description, tags, status, is_starred,
    settings ->> 'model' as model, message_count, task_count, total_tokens, total_cost, created_at, updated_at,
    last_message_at, archived_at, deleted_at, preview, last_task_status
from airuns.ai_runs
where user_id = %(user_id)s and id = any(%(run_ids)s) and deleted_at is null

-- name: found_messages
select id, role, content, created_at
from airuns.ai_messages
where user_id = %(user_id)s and id = any(%(message_ids)s)

-- name: lag
select waiting, lag_seconds from airuns.search_lag(%(user_id)s)

-- name: waiting_users
-- Each user once, by steps along the key, however much waits.
with recursive waiting as (
    (select user_id, added_at from airuns.search_queue order by user_id, added_at limit 1)
    union all
    select n.user_id, n.added_at
    from waiting as w
    cross join lateral (
        select q.user_id, q.added_at
        from airuns.search_queue as q
        where q.user_id > w.user_id
        order by q.user_id, q.added_at
        limit 1
    ) as n
)
select user_id, added_at from waiting order by added_at limit 1000

-- name: waiting_count
select count(*) from (select from airuns.search_queue limit 100000) as q

-- name: bucket_add
insert into airuns.search_buckets (user_id, bucket, has_names, prefix)
select u.id, %(bucket)s, %(has_names)s, %(prefix)s
from airuns.users as u
where u.id = %(user_id)s
on conflict (user_id, bucket) do nothing

-- name: bucket_lock
-- One indexer works for a user at a time: what it reads is then not older than what another wrote before.
select bucket
from airuns.search_buckets
where user_id = %(user_id)s and bucket = 0
for update skip locked

-- name: user_exists
select exists (select from airuns.users where id = %(user_id)s)

-- name: buckets_newest
select distinct on (has_names) bucket, has_names, prefix, documents
from airuns.search_buckets
where user_id = %(user_id)s
order by has_names, bucket desc

-- name: buckets_fill
update airuns.search_buckets as b
set documents = b.documents + n.documents, last_at = greatest(b.last_at, n.last_at)
from unnest(%(buckets)s::integer[], %(counts)s::integer[], %(last_ats)s::timestamptz[])
    as n (bucket, documents, last_at)
where b.user_id = %(user_id)s and b.bucket = n.bucket

-- name: vocabulary_add
-- A tsvector holds 1 MB, with a few bytes beside each word.
insert into airuns.search_vocabulary (user_id, bucket, part, words)
select %(user_id)s, %(bucket)s, w.part, array_to_tsvector(array_agg(w.word))
from (
    select t.word, sum(octet_length(t.word) + 8) over (order by t.word collate "C") / 500000 as part
    from (
        select %(prefix)s || substr(s.word, %(after)s) as word
        from ts_stat(format('select words from airuns.search_documents where user_id = %%L and bucket = %%s',
            %(user_id)s::uuid, %(bucket)s::integer)) as s
    ) as t
) as w
group by w.part

-- name: bucket_close
update airuns.search_buckets set is_closed = true where user_id = %(user_id)s and bucket = %(bucket)s

-- name: vocabularies_drop
-- Of buckets whose documents were all replaced.
delete from airuns.search_vocabulary as v
using airuns.search_buckets as b
where v.user_id = %(user_id)s and b.user_id = %(user_id)s and b.bucket = v.bucket and b.documents <= 0

-- name: queue_take
-- Gone with the commit that adds the documents, and back again without it.
delete from airuns.search_queue as q
using (
    select added_at, id
    from airuns.search_queue
    where user_id = %(user_id)s
    order by added_at, id
    limit %(limit)s
) as t
where q.user_id = %(user_id)s and q.added_at = t.added_at and q.id = t.id
returning q.run_id, q.message_id

-- name: texts_of_messages
select run_id, id as message_id, role, content, created_at as at
from airuns.ai_messages
where user_id = %(user_id)s and id = any(%(message_ids)b)

-- name: texts_of_runs
select id as run_id, name, description, tags, last_message_at as at
from airuns.ai_runs
where user_id = %(user_id)s and id = any(%(run_ids)s)

-- name: documents_drop
delete from airuns.search_documents as d
using unnest(%(run_ids)b::uuid[], %(message_ids)b::uuid[]) as t (run_id, message_id)
where d.user_id = %(user_id)s and d.run_id = t.run_id and d.message_id = t.message_id
returning d.bucket

-- name: documents_add
-- Arrays go in binary, which takes a fraction of the time of quoting each word's text.
insert into airuns.search_documents (user_id, run_id, message_id, part, bucket, at, words)
select %(user_id)s, t.run_id, t.message_id, t.part, t.bucket, t.at, t.words::tsvector
from unnest(%(run_ids)b::uuid[], %(message_ids)b::uuid[], %(parts)b::smallint[], %(buckets)b::integer[],
    %(ats)b::timestamptz[], %(words)b::text[]) as t (run_id, message_id, part, bucket, at, words)

-- name: sort_in
select airuns.search_sort_in()

-- name: users_named
select id from airuns.users where %(username)s::text is null or username = %(username)s order by id

-- name: page_of_runs
select id, id as run_id, null as message_id from airuns.ai_runs
where user_id = %(user_id)s and id > %(after)s
order by id
limit %(limit)s

-- name: page_of_messages
-- Ids are in the order of time.
select id, run_id, id as message_id from airuns.ai_messages
where user_id = %(user_id)s and id > %(after)s and content <> ''
order by id
limit %(limit)s
