-- Saved templates. A prompt is its newest version; a version never changes.

create table airuns.prompts (
    user_id uuid not null references airuns.users (id) on delete cascade,
    id uuid not null,
    name text not null check (length(name) between 1 and 200),
    name_key text not null generated always as (lower(name)) stored,
    description text not null default '' check (length(description) <= 10000),
    tags text[] not null default '{}' check (cardinality(tags) <= 50),
    version integer not null default 1 check (version > 0),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    primary key (user_id, id)
);
comment on table airuns.prompts is 'Templates: messages with {{variables}}, their defaults, and model settings.';
comment on column airuns.prompts.name_key is 'What lists by name are ordered by: lower() is not leakproof, so under row level security no index would serve it.';
comment on column airuns.prompts.version is 'The newest version in prompt_versions.';
comment on column airuns.prompts.deleted_at is 'Deleted, and can be restored until it is purged; its runs carry the same time.';

create index prompts_by_change on airuns.prompts (user_id, updated_at desc, id desc) where deleted_at is null;
create index prompts_by_name on airuns.prompts (user_id, name_key, id) where deleted_at is null;
create index prompts_deleted on airuns.prompts (user_id, deleted_at desc, id desc) where deleted_at is not null;
alter table airuns.prompts enable row level security;
alter table airuns.prompts force row level security;
grant select, insert, update, delete on airuns.prompts to airuns_app;
create policy "users see their prompts" on airuns.prompts for select to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users add their prompts" on airuns.prompts for insert to airuns_app
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users change their prompts" on airuns.prompts for update to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write())
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users delete their prompts" on airuns.prompts for delete to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create trigger touch before update on airuns.prompts for each row execute function airuns.touch();

create table airuns.prompt_versions (
    user_id uuid not null,
    id uuid not null,
    prompt_id uuid not null,
    version integer not null check (version > 0),
    messages json not null check (json_typeof(messages) = 'array'),
    variables json not null default '[]' check (json_typeof(variables) = 'array'),
    settings json not null default '{}' check (json_typeof(settings) = 'object'),
    created_at timestamptz not null default now(),
    primary key (user_id, id),
    unique (user_id, prompt_id, version),
    foreign key (user_id, prompt_id) references airuns.prompts (user_id, id) on delete cascade
);
comment on table airuns.prompt_versions is 'What a prompt said at each of its versions.';
comment on column airuns.prompt_versions.variables is 'A list of {name, default, required, description}, in the order of the text.';

alter table airuns.prompt_versions enable row level security;
alter table airuns.prompt_versions force row level security;
grant select, insert, delete on airuns.prompt_versions to airuns_app;
create policy "users see their prompt versions" on airuns.prompt_versions for select to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users add their prompt versions" on airuns.prompt_versions for insert to airuns_app
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users delete their prompt versions" on airuns.prompt_versions for delete to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
