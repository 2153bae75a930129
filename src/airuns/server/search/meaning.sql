-- Search by meaning: what the embedder does, and what a search asks (meaning_tables.sql has the tables).

-- name: buckets_due
-- Buckets of messages that are not as they were when all in them had its meaning, the latest first.
select b.user_id, b.bucket, b.documents, b.last_at
from airuns.search_buckets as b
left join airuns.search_meaning_buckets as m on m.user_id = b.user_id and m.bucket = b.bucket
where not b.has_names and b.documents > 0
    and (m.documents, m.last_at) is distinct from (b.documents, b.last_at)
    and (m.leased_until is null or m.leased_until < now())
order by b.last_at desc
limit %(limit)s

-- name: bucket_lease
-- One server works on it at a time; when that dies, another does after a while.
insert into airuns.search_meaning_buckets as m (user_id, bucket, leased_until)
select %(user_id)s, b.bucket, now() + %(seconds)s * interval '1 second'
from airuns.search_buckets as b
where b.user_id = %(user_id)s and b.bucket = %(bucket)s
on conflict (user_id, bucket) do update
    set leased_until = excluded.leased_until
    where m.leased_until < now()

-- name: bucket_leave
-- Null: not all in it has its meaning yet.
update airuns.search_meaning_buckets
set leased_until = '-infinity', documents = coalesce(%(documents)s, documents), last_at = coalesce(%(last_at)s, last_at)
where user_id = %(user_id)s and bucket = %(bucket)s

-- name: texts_due
-- Messages of a bucket without their meaning, the latest first.
select d.run_id, d.message_id, d.at, m.role, m.content
from (
    select d.run_id, d.message_id, d.at
    from airuns.search_documents as d
    where d.user_id = %(user_id)s and d.bucket = %(bucket)s and d.part = 0
        and not exists (
            select from airuns.search_meanings as k
            where k.user_id = %(user_id)s and k.run_id = d.run_id and k.message_id = d.message_id and k.part = 0)
    order by d.at desc
    limit %(limit)s
) as d
left join airuns.ai_messages as m on m.user_id = %(user_id)s and m.run_id = d.run_id and m.id = d.message_id

-- name: meaning_add
insert into airuns.search_meanings (user_id, run_id, message_id, part, at, model, embedding)
values (%(user_id)s, %(run_id)s, %(message_id)s, %(part)s, %(at)s, %(model)s, %(embedding)s::real[])
on conflict (user_id, run_id, message_id, part) do nothing

-- name: waiting
-- In buckets that are not done, how many more documents there are than when they last were.
select coalesce(sum(greatest(b.documents - coalesce(m.documents, 0), 1)), 0)
from airuns.search_buckets as b
left join airuns.search_meaning_buckets as m on m.user_id = b.user_id and m.bucket = b.bucket
where not b.has_names and b.documents > 0
    and (m.documents, m.last_at) is distinct from (b.documents, b.last_at)

-- name: nearest
-- The braces are filled with fixed fragments (filters.py).
select n.run_id, n.message_id, n.at
from airuns.search_nearest(%(user_id)s, %(model)s, %(near)s::real[], %(among)s::uuid[], %(until_at)s, %(most)s) as n
join airuns.ai_runs as r on r.user_id = %(user_id)s and r.id = n.run_id {filters}
order by n.distance, n.message_id
