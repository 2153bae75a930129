-- The statements of prompts. Each names the user in every term (CITUS.md, rule 3).

-- name: prompt_read
-- A prompt as of one version; without a number, of its newest.
select p.id, p.name, p.description, p.tags, v.version, v.messages, v.variables, v.settings,
    p.created_at, p.updated_at
from airuns.prompts as p
join airuns.prompt_versions as v on v.user_id = %(user_id)s and v.prompt_id = p.id
where p.user_id = %(user_id)s and p.id = %(prompt_id)s and p.deleted_at is null
    and v.version = coalesce(%(version)s::integer, p.version)
