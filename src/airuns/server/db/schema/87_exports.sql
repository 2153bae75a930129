-- Exports that are made in the background, and what came out of them.

create table airuns.exports (
    user_id uuid not null references airuns.users (id) on delete cascade,
    id uuid not null,
    format text not null check (format in ('text', 'markdown', 'json', 'csv', 'tasks-csv', 'jsonl', 'pdf')),
    branches text not null default 'current' check (branches in ('current', 'all')),
    which json not null check (json_typeof(which) = 'object'),
    state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed')),
    file_name text not null default '' check (length(file_name) <= 300),
    media_type text not null default '' check (length(media_type) <= 100),
    total_runs integer check (total_runs >= 0),
    done_runs integer not null default 0 check (done_runs >= 0),
    left_out integer not null default 0 check (left_out >= 0),
    size bigint not null default 0 check (size >= 0),
    error text check (length(error) <= 1000),
    process_id uuid,
    tries integer not null default 0 check (tries >= 0),
    seen_at timestamptz,
    created_at timestamptz not null default now(),
    completed_at timestamptz,
    expires_at timestamptz,
    primary key (user_id, id)
);
comment on table airuns.exports is 'Files of many runs that are made in the background, kept for some days to be downloaded.';
comment on column airuns.exports.which is 'The runs: {"ids": […]} or {"filter": {…}}.';
comment on column airuns.exports.left_out is 'Runs that the format cannot hold: those without an answer, in jsonl.';
comment on column airuns.exports.size is 'Bytes so far; at the end, of the file.';
comment on column airuns.exports.process_id is 'The server process that makes it; another takes over when seen_at is too long ago.';

create index exports_unended on airuns.exports (user_id, created_at) where state in ('waiting', 'running');
create index exports_expiring on airuns.exports (user_id, expires_at) where expires_at is not null;
alter table airuns.exports enable row level security;
alter table airuns.exports force row level security;
grant select, insert, update, delete on airuns.exports to airuns_app;
grant select, delete on airuns.exports to airuns_service;
create policy "users see their exports" on airuns.exports for select to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users add their exports" on airuns.exports for insert to airuns_app
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users change their exports" on airuns.exports for update to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write())
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users delete their exports" on airuns.exports for delete to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "the worker finds exports" on airuns.exports for select to airuns_service using (true);
create policy "the worker drops old exports" on airuns.exports for delete to airuns_service using (true);

create table airuns.export_chunks (
    user_id uuid not null,
    export_id uuid not null,
    position integer not null check (position >= 0),
    content bytea not null check (octet_length(content) between 1 and 4194304),
    primary key (user_id, export_id, position),
    foreign key (user_id, export_id) references airuns.exports (user_id, id) on delete cascade
);
comment on table airuns.export_chunks is 'The file of an export, in pieces: so any server process can send it, in constant memory.';

alter table airuns.export_chunks enable row level security;
alter table airuns.export_chunks force row level security;
grant select, insert, delete on airuns.export_chunks to airuns_app;
create policy "users see their export chunks" on airuns.export_chunks for select to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users add their export chunks" on airuns.export_chunks for insert to airuns_app
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users delete their export chunks" on airuns.export_chunks for delete to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
