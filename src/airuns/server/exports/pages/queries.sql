-- What the choice of a format asks. Each statement names the user in every term, as a cluster asks.

-- name: run_chosen
-- A run, and whether it has messages beside those of its current line.
select r.name, coalesce(r.message_count > h.depth + 1, false) as has_branches
from airuns.ai_runs as r
left join airuns.ai_messages as h
    on h.user_id = %(user_id)s and h.run_id = r.id and h.id = r.head_message_id
where r.user_id = %(user_id)s and r.id = %(run_id)s and r.deleted_at is null
