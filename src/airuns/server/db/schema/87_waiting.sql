-- Events that came before what they name.

create table airuns.events_waiting (
    user_id uuid not null references airuns.users (id) on delete cascade,
    needs uuid not null,
    id uuid not null,
    key_id uuid,
    event json not null check (json_typeof(event) = 'object'),
    created_at timestamptz not null default now(),
    primary key (user_id, needs, id)
);
comment on table airuns.events_waiting is 'Events of programs that name a message or a task which has not come yet. They are stored when it comes.';
comment on column airuns.events_waiting.needs is 'The message or the task that has to come first.';
comment on column airuns.events_waiting.id is 'The event''s own.';
comment on column airuns.events_waiting.key_id is 'The API key that sent it.';

alter table airuns.events_waiting enable row level security;
alter table airuns.events_waiting force row level security;
grant select, insert, delete on airuns.events_waiting to airuns_app;
create policy "users see their waiting events" on airuns.events_waiting for select to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users keep their waiting events" on airuns.events_waiting for insert to airuns_app
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users store their waiting events" on airuns.events_waiting for delete to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
