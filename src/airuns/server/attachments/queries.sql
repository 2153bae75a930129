-- The statements of attachments. Each names the user in every term, as a cluster asks.

-- name: attachment_insert
insert into airuns.attachments (user_id, id, name, media_type, size, sha256, content)
values (%(user_id)s, %(id)s, %(name)s, %(media_type)s, %(size)s, %(sha256)s, %(content)s)

-- name: attachments_forget
-- What was never sent is kept for a week.
delete from airuns.attachments
where user_id = %(user_id)s and run_id is null and created_at < now() - interval '7 days'

-- name: attachment_get
-- Those of a deleted run are gone with it, until it is restored.
select a.id, a.run_id, a.name, a.media_type, a.size, encode(a.sha256, 'hex') as sha256
from airuns.attachments as a
where a.user_id = %(user_id)s and a.id = %(id)s and not exists (
    select from airuns.ai_runs as r
    where r.user_id = %(user_id)s and r.id = a.run_id and r.deleted_at is not null)

-- name: attachment_files
select id, name, media_type, content
from airuns.attachments
where user_id = %(user_id)s and id = any(%(ids)s)

-- name: attachments_named
-- Locked, so that of two runs that name an unsent one at once the second gets a copy.
select id, run_id, name, media_type, size, encode(sha256, 'hex') as sha256
from airuns.attachments
where user_id = %(user_id)s and id = any(%(ids)s)
order by id
for no key update

-- name: attachments_claim
update airuns.attachments
set run_id = %(run_id)s
where user_id = %(user_id)s and id = any(%(ids)s) and run_id is null

-- name: attachments_copy
insert into airuns.attachments (user_id, id, run_id, name, media_type, size, sha256, content)
select %(user_id)s, t.new_id, %(run_id)s, a.name, a.media_type, a.size, a.sha256, a.content
from unnest(%(ids)s::uuid[], %(new_ids)s::uuid[]) as t (id, new_id)
join airuns.attachments as a on a.user_id = %(user_id)s and a.id = t.id
returning id

-- name: attachment_delete
delete from airuns.attachments
where user_id = %(user_id)s and id = %(id)s and run_id is null
