-- What becomes of old runs: each user's rules, when they are applied next, and how the last time went.

create table airuns.retention (
    user_id uuid primary key references airuns.users (id) on delete cascade,
    rules json not null default '[]' check (json_typeof(rules) = 'array'),
    last_pass json check (json_typeof(last_pass) = 'object'),
    emptying json check (json_typeof(emptying) = 'object'),
    erase_asked_at timestamptz,
    due_at timestamptz,
    leased_until timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
comment on table airuns.retention is 'Reference table: what each user wants done with old runs. It is also the queue of that work, so it must not be spread over nodes.';
comment on column airuns.retention.rules is 'A list of {action: archive | delete | purge, days, …}; empty: everything is kept for ever.';
comment on column airuns.retention.last_pass is 'When the rules were last applied, and to how many runs.';
comment on column airuns.retention.emptying is 'The last time that the trash was emptied: what was asked for, and how far it is.';
comment on column airuns.retention.erase_asked_at is 'The user is to be erased, this row last of all.';
comment on column airuns.retention.due_at is 'When there is work again; null: never.';
comment on column airuns.retention.leased_until is 'A server process works on it and says so until then.';

create index retention_due on airuns.retention (due_at) where due_at is not null;
alter table airuns.retention enable row level security;
alter table airuns.retention force row level security;
grant select, insert, update, delete on airuns.retention to airuns_app;
grant select, update (leased_until) on airuns.retention to airuns_service;
create policy "users see their retention" on airuns.retention for select to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users add their retention" on airuns.retention for insert to airuns_app
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users change their retention" on airuns.retention for update to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write())
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users drop their retention" on airuns.retention for delete to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "upkeep finds what is due" on airuns.retention for select to airuns_service using (true);
create policy "upkeep takes what is due" on airuns.retention for update to airuns_service using (true) with check (true);
create trigger touch before update on airuns.retention for each row execute function airuns.touch();
