-- The schema, who may do what in it, and whose transaction this is.

create schema if not exists airuns; -- the migrations keep their version in it
comment on schema airuns is 'AI Runs: every conversation that people and programs have with language models.';

-- The owner of the schema migrates it. Roles live in the cluster, not in the database, so another
-- database of the same cluster may have made them already.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['airuns_app', 'airuns_service'] loop
        begin
            execute format('create role %I login noinherit', wanted);
        exception
            when duplicate_object or unique_violation then null;
        end;
    end loop;
end
$$;

do $$
begin
    if not pg_catalog.pg_has_role(current_user, 'airuns_app', 'set') then
        execute format('grant airuns_app, airuns_service to %I', current_user);
    end if;
exception
    when invalid_parameter_value then -- PostgreSQL 15 does not know the privilege SET
        execute format('grant airuns_app, airuns_service to %I', current_user);
end
$$;

grant usage on schema airuns to airuns_app, airuns_service;

-- The context of a transaction is set by SET LOCAL and nothing else, because only that reaches the
-- workers of a cluster. After a commit such a setting is '', not null, and '' is no uuid.
-- These functions have no SET clause, so PostgreSQL inlines them and a key's index serves the policy.

create function airuns.current_user_id() returns uuid
    language sql stable parallel safe
    return nullif(pg_catalog.current_setting('airuns.user_id', true), '')::uuid;
comment on function airuns.current_user_id() is 'The user whose rows exist in this transaction; null: none do.';

create function airuns.current_run_id() returns uuid
    language sql stable parallel safe
    return nullif(pg_catalog.current_setting('airuns.run_id', true), '')::uuid;
comment on function airuns.current_run_id() is 'The only run that exists in this transaction; null: all of the user''s.';

create function airuns.may_write() returns boolean
    language sql stable parallel safe
    return pg_catalog.current_setting('airuns.access', true) is distinct from 'read';
comment on function airuns.may_write() is 'False in a transaction opened under a read grant.';

create function airuns.touch() returns trigger language plpgsql as $$
begin
    if new.updated_at is not distinct from old.updated_at then
        new.updated_at := now();
    end if;
    return new;
end
$$;
comment on function airuns.touch() is 'Keeps updated_at; a statement that sets it, as an import does, has its way.';

-- Who may sign in, and how. What must be unique over all users lives in reference tables.

create table airuns.users (
    id uuid primary key,
    username text not null check (username = lower(username) and length(username) between 1 and 100),
    display_name text not null check (length(display_name) between 1 and 100),
    password_hash text check (length(password_hash) <= 500),
    is_owner boolean not null default false,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (username)
);
comment on table airuns.users is 'Reference table: people and programs that sign in.';
comment on column airuns.users.password_hash is 'Argon2id; null until a password is chosen.';
comment on column airuns.users.is_owner is 'The person whom the first start printed a sign-in link for; manages other users.';

alter table airuns.users enable row level security;
alter table airuns.users force row level security;
grant select, update (display_name, password_hash) on airuns.users to airuns_app;
grant select, insert, update, delete on airuns.users to airuns_service;
create policy "users see themselves" on airuns.users for select to airuns_app
    using (id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users change themselves" on airuns.users for update to airuns_app
    using (id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write())
    with check (id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "sign-in sees users" on airuns.users for select to airuns_service using (true);
create policy "sign-in adds users" on airuns.users for insert to airuns_service with check (true);
create policy "sign-in changes users" on airuns.users for update to airuns_service using (true) with check (true);
create policy "erasing drops users" on airuns.users for delete to airuns_service using (true);
create trigger touch before update on airuns.users for each row execute function airuns.touch();

create table airuns.api_keys (
    user_id uuid not null references airuns.users (id) on delete cascade,
    id uuid not null,
    name text not null check (length(name) between 1 and 100),
    prefix text not null check (length(prefix) <= 20),
    key_hash bytea not null check (octet_length(key_hash) = 32),
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    revoked_at timestamptz,
    requests_per_minute integer check (requests_per_minute between 1 and 1000000),
    primary key (user_id, id),
    unique (key_hash)
);
comment on table airuns.api_keys is 'Reference table: keys of programs. A key itself is shown once and never stored.';
comment on column airuns.api_keys.prefix is 'The first characters of the key, by which its user knows it again.';
comment on column airuns.api_keys.key_hash is 'SHA-256 of the key; a key has 256 random bits, so no slow hash is needed.';
comment on column airuns.api_keys.requests_per_minute is 'How many calls the gateway lets it make; null: any number.';

alter table airuns.api_keys enable row level security;
alter table airuns.api_keys force row level security;
grant select, insert, update, delete on airuns.api_keys to airuns_app;
grant select, update (last_used_at) on airuns.api_keys to airuns_service;
create policy "users see their keys" on airuns.api_keys for select to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users add their keys" on airuns.api_keys for insert to airuns_app
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users change their keys" on airuns.api_keys for update to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write())
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users delete their keys" on airuns.api_keys for delete to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "sign-in sees keys" on airuns.api_keys for select to airuns_service using (true);
create policy "sign-in marks keys used" on airuns.api_keys for update to airuns_service using (true) with check (true);

create table airuns.sessions (
    user_id uuid not null references airuns.users (id) on delete cascade,
    id uuid not null,
    token_hash bytea not null check (octet_length(token_hash) = 32),
    user_agent text not null default '' check (length(user_agent) <= 500),
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    primary key (user_id, id),
    unique (token_hash)
);
comment on table airuns.sessions is 'Reference table: browsers that are signed in. The cookie''s token is stored as its hash.';

alter table airuns.sessions enable row level security;
alter table airuns.sessions force row level security;
grant select, delete on airuns.sessions to airuns_app;
grant select, insert, update, delete on airuns.sessions to airuns_service;
create policy "users see their sessions" on airuns.sessions for select to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users end their sessions" on airuns.sessions for delete to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "sign-in sees sessions" on airuns.sessions for select to airuns_service using (true);
create policy "sign-in adds sessions" on airuns.sessions for insert to airuns_service with check (true);
create policy "sign-in extends sessions" on airuns.sessions for update to airuns_service using (true) with check (true);
create policy "sign-in ends sessions" on airuns.sessions for delete to airuns_service using (true);

create table airuns.sign_in_links (
    user_id uuid not null references airuns.users (id) on delete cascade,
    id uuid not null,
    token_hash bytea not null check (octet_length(token_hash) = 32),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    primary key (user_id, id),
    unique (token_hash)
);
comment on table airuns.sign_in_links is 'Reference table: one-time links that sign their user in.';

alter table airuns.sign_in_links enable row level security;
alter table airuns.sign_in_links force row level security;
grant select, insert, update, delete on airuns.sign_in_links to airuns_service;
create policy "sign-in sees links" on airuns.sign_in_links for select to airuns_service using (true);
create policy "sign-in adds links" on airuns.sign_in_links for insert to airuns_service with check (true);
create policy "sign-in uses links" on airuns.sign_in_links for update to airuns_service using (true) with check (true);
create policy "sign-in drops links" on airuns.sign_in_links for delete to airuns_service using (true);

create table airuns.login_failures (
    id uuid primary key,
    subject text not null check (length(subject) <= 300),
    failed_at timestamptz not null default now()
);
comment on table airuns.login_failures is 'Reference table: failed sign-ins of the last minutes, counted to slow guessing down.';
comment on column airuns.login_failures.subject is 'What is limited: an address, or a user name.';

create index on airuns.login_failures (subject, failed_at);
alter table airuns.login_failures enable row level security;
alter table airuns.login_failures force row level security;
grant select, insert, delete on airuns.login_failures to airuns_service;
create policy "sign-in sees failures" on airuns.login_failures for select to airuns_service using (true);
create policy "sign-in adds failures" on airuns.login_failures for insert to airuns_service with check (true);
create policy "sign-in drops failures" on airuns.login_failures for delete to airuns_service using (true);

-- Where models are called, and what a user says of them.

create table airuns.model_providers (
    user_id uuid not null references airuns.users (id) on delete cascade,
    id uuid not null,
    name text not null check (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    protocol text not null check (protocol in ('openai', 'anthropic', 'any-llm')),
    base_url text check (length(base_url) <= 2000),
    key_encrypted bytea check (octet_length(key_encrypted) <= 10000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (user_id, id),
    unique (user_id, name)
);
comment on table airuns.model_providers is 'Model endpoints that a user has stored; those of the environment are not in here.';
comment on column airuns.model_providers.name is 'The first part of a model''s name, as in openai/gpt-4o.';
comment on column airuns.model_providers.key_encrypted is 'Fernet, under the server''s secret key; null: the endpoint wants none.';

alter table airuns.model_providers enable row level security;
alter table airuns.model_providers force row level security;
grant select, insert, update, delete on airuns.model_providers to airuns_app;
create policy "users see their providers" on airuns.model_providers for select to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users add their providers" on airuns.model_providers for insert to airuns_app
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users change their providers" on airuns.model_providers for update to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write())
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users delete their providers" on airuns.model_providers for delete to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create trigger touch before update on airuns.model_providers for each row execute function airuns.touch();

create table airuns.ai_models (
    user_id uuid not null references airuns.users (id) on delete cascade,
    id uuid not null,
    provider text not null check (length(provider) between 1 and 63),
    name text not null check (length(name) between 1 and 200),
    context_size integer check (context_size > 0),
    price_input numeric check (price_input >= 0),
    price_output numeric check (price_output >= 0),
    price_cache_read numeric check (price_cache_read >= 0),
    price_cache_write_5m numeric check (price_cache_write_5m >= 0),
    price_cache_write_1h numeric check (price_cache_write_1h >= 0),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (user_id, id),
    unique (user_id, provider, name)
);
comment on table airuns.ai_models is 'Models that a user has used or set a price for; a row appears at the first use.';
comment on column airuns.ai_models.price_input is 'The user''s own price, USD per million uncached input tokens; null: the price table''s. The other prices likewise.';

alter table airuns.ai_models enable row level security;
alter table airuns.ai_models force row level security;
grant select, insert, update, delete on airuns.ai_models to airuns_app;
create policy "users see their models" on airuns.ai_models for select to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users add their models" on airuns.ai_models for insert to airuns_app
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users change their models" on airuns.ai_models for update to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write())
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users delete their models" on airuns.ai_models for delete to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create trigger touch before update on airuns.ai_models for each row execute function airuns.touch();

create table airuns.model_aliases (
    user_id uuid not null references airuns.users (id) on delete cascade,
    id uuid not null,
    name text not null check (name ~ '^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$'),
    model text not null check (length(model) between 1 and 264),
    fallbacks text[] not null default '{}' check (cardinality(fallbacks) <= 5),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (user_id, id),
    unique (user_id, name)
);
comment on table airuns.model_aliases is 'A user''s own names of models, for the gateway.';
comment on column airuns.model_aliases.model is 'provider/name.';
comment on column airuns.model_aliases.fallbacks is 'What is called, in this order, when the model fails before its answer begins.';

alter table airuns.model_aliases enable row level security;
alter table airuns.model_aliases force row level security;
grant select, insert, update, delete on airuns.model_aliases to airuns_app;
create policy "users see their aliases" on airuns.model_aliases for select to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users add their aliases" on airuns.model_aliases for insert to airuns_app
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users change their aliases" on airuns.model_aliases for update to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write())
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users delete their aliases" on airuns.model_aliases for delete to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create trigger touch before update on airuns.model_aliases for each row execute function airuns.touch();

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

-- The heart: a run is a tree of messages; a task is one request to a model, made at a node of the tree.

create table airuns.ai_runs (
    user_id uuid not null references airuns.users (id) on delete cascade,
    id uuid not null,
    source_type text not null
        check (source_type in ('prompt', 'chat', 'applet', 'cockpit', 'workflow', 'action', 'custom')),
    source_id text check (length(source_id) between 1 and 200),
    prompt_id uuid generated always as (case when source_type = 'prompt' then source_id::uuid end) stored,
    prompt_version integer check (prompt_version > 0),
    name text not null check (length(name) between 1 and 100),
    name_key text not null generated always as (lower(name)) stored,
    description text not null default '' check (length(description) <= 10000),
    tags text[] not null default '{}' check (cardinality(tags) <= 50),
    settings json not null default '{}' check (json_typeof(settings) = 'object'),
    variable_values json not null default '{}' check (json_typeof(variable_values) = 'object'),
    broker_values json not null default '{}' check (json_typeof(broker_values) = 'object'),
    attachments json not null default '[]' check (json_typeof(attachments) = 'array'),
    metadata json not null default '{}' check (json_typeof(metadata) = 'object'),
    status text not null default 'active' check (status in ('active', 'completed', 'error')),
    is_starred boolean not null default false,
    head_message_id uuid,
    preview text not null default '' check (length(preview) <= 160),
    last_task_id uuid,
    last_task_status text
        check (last_task_status in ('pending', 'completed', 'error', 'timeout', 'cancelled')),
    total_tokens bigint default 0 check (total_tokens >= 0),
    total_cost numeric default 0 check (total_cost >= 0),
    cost_key double precision not null generated always as (coalesce(total_cost, -1)::double precision) stored,
    message_count integer not null default 0 check (message_count >= 0),
    task_count integer not null default 0 check (task_count >= 0),
    ended_task_count integer not null default 0 check (ended_task_count >= 0),
    counted_task_count integer not null default 0 check (counted_task_count >= 0),
    priced_task_count integer not null default 0 check (priced_task_count >= 0),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    last_message_at timestamptz not null default now(),
    archived_at timestamptz,
    deleted_at timestamptz,
    added boolean not null default false,
    primary key (user_id, id),
    check ((source_type = 'prompt') = (prompt_id is not null)),
    foreign key (user_id, prompt_id) references airuns.prompts (user_id, id) on delete cascade
);
comment on table airuns.ai_runs is 'Conversations. Counts and totals are kept by triggers; no application code computes one.';
comment on column airuns.ai_runs.source_id is 'What started the run, such as the id of a prompt.';
comment on column airuns.ai_runs.settings is 'The model and its settings, as last used.';
comment on column airuns.ai_runs.broker_values is 'Values that the host application puts in, such as the current date.';
comment on column airuns.ai_runs.attachments is 'A list of {type: file | url | image | youtube, …}.';
comment on column airuns.ai_runs.head_message_id is 'The end of the current line; other leaves are other branches.';
comment on column airuns.ai_runs.preview is 'How the text of the last message begins, or why there is none: so lists read no message.';
comment on column airuns.ai_runs.last_task_id is 'The task that was added last.';
comment on column airuns.ai_runs.last_task_status is 'Its status; pending until it has ended.';
comment on column airuns.ai_runs.total_tokens is 'Sum over tasks; null when tasks have ended and none of them has a known count.';
comment on column airuns.ai_runs.total_cost is 'USD, sum over tasks; null when tasks have ended and none of them has a known cost.';
comment on column airuns.ai_runs.name_key is 'What lists by name are ordered by: lower() is not leakproof, so under row level security no index would serve it.';
comment on column airuns.ai_runs.cost_key is 'What lists by cost are ordered by: numeric''s operators are not leakproof, as lower() is not. Unknown is -1.';
comment on column airuns.ai_runs.counted_task_count is 'Tasks whose tokens are known.';
comment on column airuns.ai_runs.priced_task_count is 'Tasks whose cost is known.';
comment on column airuns.ai_runs.added is 'It came in a batch, and is counted with it (count_added).';
comment on column airuns.ai_runs.archived_at is 'Put away; the status stays what it was.';
comment on column airuns.ai_runs.deleted_at is 'Deleted, and can be restored until it is purged.';

create index runs_recent on airuns.ai_runs (user_id, last_message_at desc, id desc) where deleted_at is null;
create index runs_oldest on airuns.ai_runs (user_id, created_at, id) where deleted_at is null;
create index runs_by_name on airuns.ai_runs (user_id, name_key, id) where deleted_at is null;
create index runs_by_messages on airuns.ai_runs (user_id, message_count desc, id desc) where deleted_at is null;
create index runs_by_cost on airuns.ai_runs (user_id, cost_key desc, id desc) where deleted_at is null;
create index runs_of_source on airuns.ai_runs (user_id, source_type, source_id, last_message_at desc, id desc)
    where deleted_at is null;
create index runs_starred on airuns.ai_runs (user_id, last_message_at desc, id desc)
    where deleted_at is null and is_starred;
create index runs_archived on airuns.ai_runs (user_id, last_message_at desc, id desc)
    where deleted_at is null and archived_at is not null;
create index runs_unended on airuns.ai_runs (user_id, last_message_at desc, id desc)
    where deleted_at is null and last_task_status = 'pending';
create index runs_of_prompt on airuns.ai_runs (user_id, prompt_id) where prompt_id is not null;
create index runs_deleted on airuns.ai_runs (user_id, deleted_at desc, id desc) where deleted_at is not null;

create table airuns.ai_messages (
    user_id uuid not null,
    id uuid not null,
    run_id uuid not null,
    parent_id uuid,
    depth integer not null check (depth >= 0),
    role text not null check (role in ('system', 'developer', 'user', 'assistant', 'tool')),
    content text not null,
    data json check (json_typeof(data) = 'object'),
    chain_hash bytea not null check (octet_length(chain_hash) = 32),
    task_id uuid,
    metadata json not null default '{}' check (json_typeof(metadata) = 'object'),
    added integer default 1 check (added >= 0),
    created_at timestamptz not null default now(),
    primary key (user_id, id),
    unique (user_id, run_id, id),
    check ((parent_id is null) = (depth = 0)),
    foreign key (user_id, run_id) references airuns.ai_runs (user_id, id) on delete cascade,
    foreign key (user_id, run_id, parent_id) references airuns.ai_messages (user_id, run_id, id) on delete cascade
);
comment on table airuns.ai_messages is 'Turns of a run, as a tree: each names its parent. Rows are added, never changed but for the task that an answer turns out to be of, and go only with their run.';
comment on column airuns.ai_messages.content is 'The text of the message.';
comment on column airuns.ai_messages.data is 'The whole message as it was sent, where it is more than a role and a text (parts, tool calls, names); json keeps its bytes.';
comment on column airuns.ai_messages.chain_hash is 'SHA-256 over the parent''s chain hash, the role and the content: equal hashes are equal conversations.';
comment on column airuns.ai_messages.added is 'What the row adds to the run''s message_count: of many rows added at once the last counts for all, so that the run''s row changes once and not once a message. Null: it came in a batch, and is counted and indexed with it (count_added).';
comment on column airuns.ai_messages.task_id is 'The task whose answer this is.';

create index messages_by_parent on airuns.ai_messages (user_id, run_id, parent_id, id);
create index messages_by_chain on airuns.ai_messages (user_id, chain_hash, run_id);

alter table airuns.ai_runs add foreign key (user_id, id, head_message_id)
    references airuns.ai_messages (user_id, run_id, id);
create index runs_by_head on airuns.ai_runs (user_id, id, head_message_id) where head_message_id is not null;

create table airuns.ai_tasks (
    user_id uuid not null,
    task_id uuid not null,
    run_id uuid not null,
    source_type text,
    prompt_id uuid,
    prompt_version integer,
    key_id uuid,
    request_message_id uuid,
    service text not null default 'chat' check (length(service) <= 100),
    task_name text not null default 'chat' check (length(task_name) <= 100),
    provider text check (length(provider) <= 100),
    endpoint text check (length(endpoint) <= 2000),
    model text check (length(model) <= 300),
    model_id uuid,
    request_data json not null default '{}' check (json_typeof(request_data) = 'object'),
    request_hash bytea check (octet_length(request_hash) = 32),
    response_text text not null default '',
    response_data json,
    response_info json,
    response_errors json,
    tool_updates json,
    response_metadata json,
    tokens_input bigint check (tokens_input >= 0),
    tokens_output bigint check (tokens_output >= 0),
    tokens_total bigint check (tokens_total >= 0),
    tokens_cache_read bigint check (tokens_cache_read >= 0),
    tokens_cache_write_5m bigint check (tokens_cache_write_5m >= 0),
    tokens_cache_write_1h bigint check (tokens_cache_write_1h >= 0),
    tokens_reasoning bigint check (tokens_reasoning >= 0),
    usage_estimated boolean not null default false,
    cost numeric check (cost >= 0),
    price json,
    time_to_first_token double precision check (time_to_first_token >= 0),
    total_time double precision check (total_time >= 0),
    status text not null default 'pending'
        check (status in ('pending', 'streaming', 'completed', 'error', 'timeout', 'cancelled')),
    process_id uuid,
    cancel_requested_at timestamptz,
    added boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    completed_at timestamptz,
    primary key (user_id, task_id),
    unique (user_id, run_id, task_id),
    check (coalesce(tokens_cache_read, 0) + coalesce(tokens_cache_write_5m, 0) + coalesce(tokens_cache_write_1h, 0)
           <= coalesce(tokens_input, 0)),
    check (coalesce(tokens_reasoning, 0) <= coalesce(tokens_output, 0)),
    foreign key (user_id, run_id) references airuns.ai_runs (user_id, id) on delete cascade,
    foreign key (user_id, run_id, request_message_id)
        references airuns.ai_messages (user_id, run_id, id) on delete cascade,
    foreign key (user_id, model_id) references airuns.ai_models (user_id, id)
);
comment on table airuns.ai_tasks is 'Requests to models. The id may be the client''s own and is the same on the live channel.';
comment on column airuns.ai_tasks.source_type is 'That of the run, as prompt_id and prompt_version are: usage is added up by them, also while the run goes.';
comment on column airuns.ai_tasks.key_id is 'The API key that submitted it, kept also when there is no such key any more; null: a browser.';
comment on column airuns.ai_tasks.prompt_id is 'The prompt of the run, kept here so that a prompt''s history is one index.';
comment on column airuns.ai_tasks.request_message_id is 'The node whose line, from the root, are the messages of the request.';
comment on column airuns.ai_tasks.request_data is 'The request without its messages: they are put back at the key "messages", which is null here.';
comment on column airuns.ai_tasks.request_hash is 'SHA-256 of the whole request as sent; proves that a rebuilt request is the same to the byte.';
comment on column airuns.ai_tasks.tokens_input is 'All tokens of the request: uncached, read from a cache, and written to one.';
comment on column airuns.ai_tasks.tokens_reasoning is 'The part of the output that was reasoning.';
comment on column airuns.ai_tasks.usage_estimated is 'The provider gave no usage; the counts are our estimate.';
comment on column airuns.ai_tasks.cost is 'USD; null: unknown, never 0 for it.';
comment on column airuns.ai_tasks.price is 'The price that the cost was computed from, kept as it was at that time.';
comment on column airuns.ai_tasks.time_to_first_token is 'Seconds from the request to the first non-empty piece of the answer.';
comment on column airuns.ai_tasks.total_time is 'Seconds from the request to the end of the answer.';
comment on column airuns.ai_tasks.process_id is 'The server process that runs this task; null: the caller calls the model itself.';
comment on column airuns.ai_tasks.added is 'It came in a batch, and is counted with it (count_added).';
comment on column airuns.ai_tasks.cancel_requested_at is 'Someone asked another process than the one that runs the task to stop it.';

create index tasks_of_run on airuns.ai_tasks (user_id, run_id, created_at desc, task_id desc);
create index tasks_recent on airuns.ai_tasks (user_id, created_at desc, task_id desc);
create index tasks_of_prompt on airuns.ai_tasks (user_id, prompt_id, created_at desc, task_id desc)
    where prompt_id is not null;
create index tasks_of_request on airuns.ai_tasks (user_id, run_id, request_message_id) where request_message_id is not null;
create index tasks_of_model on airuns.ai_tasks (user_id, model_id) where model_id is not null;
create index tasks_unended on airuns.ai_tasks (user_id, run_id, created_at)
    where status in ('pending', 'streaming');
create index tasks_running on airuns.ai_tasks (process_id, user_id, task_id)
    where status in ('pending', 'streaming') and process_id is not null;

alter table airuns.ai_messages add foreign key (user_id, run_id, task_id)
    references airuns.ai_tasks (user_id, run_id, task_id) on delete cascade;
create index messages_of_task on airuns.ai_messages (user_id, run_id, task_id) where task_id is not null;

create table airuns.attachments (
    user_id uuid not null references airuns.users (id) on delete cascade,
    id uuid not null,
    run_id uuid,
    name text not null check (length(name) between 1 and 300),
    media_type text not null check (length(media_type) between 1 and 200),
    size bigint not null check (size >= 0),
    sha256 bytea not null check (octet_length(sha256) = 32),
    content bytea not null,
    created_at timestamptz not null default now(),
    primary key (user_id, id),
    check (size = octet_length(content)),
    foreign key (user_id, run_id) references airuns.ai_runs (user_id, id) on delete cascade
);
comment on table airuns.attachments is 'Files that were sent with messages.';
comment on column airuns.attachments.run_id is 'The run whose messages name it; null until the first of them is sent. Another run gets a copy.';
alter table airuns.attachments alter column content set storage external;
create index attachments_unsent on airuns.attachments (user_id, created_at) where run_id is null;
create index attachments_of_run on airuns.attachments (user_id, run_id) where run_id is not null;

create table airuns.run_changes (
    user_id uuid not null references airuns.users (id) on delete cascade,
    id uuid not null,
    action text not null
        check (action in ('star', 'unstar', 'archive', 'unarchive', 'delete', 'restore', 'tag', 'untag')),
    tag text check (length(tag) between 1 and 50),
    run_ids uuid[] not null,
    run_was text[] not null,
    created_at timestamptz not null default now(),
    undone_at timestamptz,
    primary key (user_id, id),
    check ((action in ('tag', 'untag')) = (tag is not null)),
    check (cardinality(run_ids) = cardinality(run_was))
);
comment on table airuns.run_changes is 'What was done to many runs at once, so that it can be undone.';
comment on column airuns.run_changes.run_ids is 'The runs that it really changed.';
comment on column airuns.run_changes.run_was is 'What each had before, where the action does not say it: its tags, or when it was archived or deleted, as text.';

create table airuns.server_processes (
    id uuid primary key,
    started_at timestamptz not null default now(),
    seen_at timestamptz not null default now()
);
comment on table airuns.server_processes is 'Reference table: server processes and when each was last seen alive; a task whose process is dead was interrupted.';
alter table airuns.server_processes enable row level security;
alter table airuns.server_processes force row level security;
grant select, insert, update, delete on airuns.server_processes to airuns_service;
create policy "the engine sees processes" on airuns.server_processes for select to airuns_service using (true);
create policy "the engine adds processes" on airuns.server_processes for insert to airuns_service with check (true);
create policy "the engine keeps processes alive" on airuns.server_processes for update to airuns_service using (true) with check (true);
create policy "the engine drops processes" on airuns.server_processes for delete to airuns_service using (true);

-- Whose rows of the heart exist: those of the transaction's user, narrowed to one run when it was opened under a grant.
-- CASE, not OR: of `x is null or run_id = x` the planner believes that one row in a hundred is left, and then
-- reads a whole table to sort what it takes for a few rows.

alter table airuns.ai_runs enable row level security;
alter table airuns.ai_runs force row level security;
grant select, insert, update, delete on airuns.ai_runs to airuns_app;
create policy "users see their runs" on airuns.ai_runs for select to airuns_app
    using (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else id = airuns.current_run_id() end);
create policy "users add their runs" on airuns.ai_runs for insert to airuns_app
    with check (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else id = airuns.current_run_id() end and airuns.may_write());
create policy "users change their runs" on airuns.ai_runs for update to airuns_app
    using (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else id = airuns.current_run_id() end and airuns.may_write())
    with check (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else id = airuns.current_run_id() end and airuns.may_write());
create policy "users delete their runs" on airuns.ai_runs for delete to airuns_app
    using (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else id = airuns.current_run_id() end and airuns.may_write());

alter table airuns.ai_messages enable row level security;
alter table airuns.ai_messages force row level security;
grant select, insert, update (task_id) on airuns.ai_messages to airuns_app;
create policy "users see their messages" on airuns.ai_messages for select to airuns_app
    using (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end);
create policy "tasks find their answers" on airuns.ai_messages for update to airuns_app
    using (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end and airuns.may_write())
    with check (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end and airuns.may_write());
create policy "users add their messages" on airuns.ai_messages for insert to airuns_app
    with check (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end and airuns.may_write());

alter table airuns.ai_tasks enable row level security;
alter table airuns.ai_tasks force row level security;
grant select, insert, update, delete on airuns.ai_tasks to airuns_app;
create policy "users see their tasks" on airuns.ai_tasks for select to airuns_app
    using (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end);
create policy "users add their tasks" on airuns.ai_tasks for insert to airuns_app
    with check (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end and airuns.may_write());
create policy "users change their tasks" on airuns.ai_tasks for update to airuns_app
    using (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end and airuns.may_write())
    with check (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end and airuns.may_write());
create policy "users delete their tasks" on airuns.ai_tasks for delete to airuns_app
    using (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end and airuns.may_write());

alter table airuns.attachments enable row level security;
alter table airuns.attachments force row level security;
grant select, insert, update, delete on airuns.attachments to airuns_app;
create policy "users see their attachments" on airuns.attachments for select to airuns_app
    using (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end);
create policy "users add their attachments" on airuns.attachments for insert to airuns_app
    with check (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end and airuns.may_write());
create policy "users change their attachments" on airuns.attachments for update to airuns_app
    using (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end and airuns.may_write())
    with check (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end and airuns.may_write());
create policy "users delete their attachments" on airuns.attachments for delete to airuns_app
    using (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end and airuns.may_write());

alter table airuns.run_changes enable row level security;
alter table airuns.run_changes force row level security;
grant select, insert, update (undone_at), delete on airuns.run_changes to airuns_app;
create policy "users see their run changes" on airuns.run_changes for select to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users add their run changes" on airuns.run_changes for insert to airuns_app
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users forget their run changes" on airuns.run_changes for delete to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users undo their run changes" on airuns.run_changes for update to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write())
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());

-- The engine of a process writes the partial texts of all its users' tasks in one statement.
grant select, update (response_text, status, updated_at) on airuns.ai_tasks to airuns_service;
create policy "the engine sees tasks" on airuns.ai_tasks for select to airuns_service using (true);
create policy "the engine saves partial answers" on airuns.ai_tasks for update to airuns_service using (true) with check (true);

-- The database keeps itself right: timestamps, counts and totals.
-- All are row triggers, and each touches only rows of the same user.

create trigger touch before update on airuns.ai_runs for each row execute function airuns.touch();
create trigger touch before update on airuns.ai_tasks for each row execute function airuns.touch();

create function airuns.end_task() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.completed_at is not null and new.status is distinct from old.status then
        raise exception 'task % has ended as %', old.task_id, old.status using errcode = 'AR001';
    end if;
    if new.status in ('completed', 'error', 'timeout', 'cancelled') then
        new.completed_at := coalesce(new.completed_at, now());
    else
        new.completed_at := null;
    end if;
    return new;
end
$$;
comment on function airuns.end_task() is 'Keeps completed_at; an ended task keeps its status (AR001).';
create trigger end_task before insert or update of status on airuns.ai_tasks
    for each row execute function airuns.end_task();

create function airuns.inherit_source() returns trigger language plpgsql as $$
begin
    select r.source_type, r.prompt_id, r.prompt_version into new.source_type, new.prompt_id, new.prompt_version
    from airuns.ai_runs as r
    where r.user_id = new.user_id and r.id = new.run_id;
    return new;
end
$$;
comment on function airuns.inherit_source() is 'Gives a task the source, the prompt and the version of its run.';
create trigger inherit_source before insert on airuns.ai_tasks
    for each row when (new.source_type is null) execute function airuns.inherit_source();

create function airuns.keep_in_run() returns trigger language plpgsql as $$
begin
    raise exception 'task % stays in its run, where its question and its answer are', old.task_id using errcode = 'AR002';
end
$$;
comment on function airuns.keep_in_run() is 'Refuses to move a task to another run (AR002): neither the counts of runs nor the usage would follow.';
create trigger keep_in_run after update of run_id on airuns.ai_tasks
    for each row when (old.run_id <> new.run_id) execute function airuns.keep_in_run();

create function airuns.preview(of_text text) returns text language plpgsql immutable as $$
begin
    return rtrim(left(ltrim(regexp_replace(left(of_text, 400), '\s+', ' ', 'g')), 160));
end
$$;
comment on function airuns.preview(text) is 'How a text begins, on one line: at most 160 characters.';

create function airuns.count_message() returns trigger language plpgsql as $$
begin
    update airuns.ai_runs
    set message_count = message_count + new.added,
        last_message_at = greatest(last_message_at, new.created_at),
        preview = coalesce(nullif(airuns.preview(new.content), ''), preview)
    where user_id = new.user_id and id = new.run_id;
    return null;
end
$$;
comment on function airuns.count_message() is 'Keeps message_count, last_message_at and preview of the run.';
create trigger count_message after insert on airuns.ai_messages
    for each row when (new.added > 0) execute function airuns.count_message();

create function airuns.sum_task() returns trigger language plpgsql as $$
declare
    of_user uuid;
    of_run uuid;
    tasks integer := 0;
    ended integer := 0;
    counted integer := 0;
    priced integer := 0;
    tokens bigint := 0;
    spent numeric := 0;
    failure text;
begin
    if tg_op <> 'INSERT' then
        of_user := old.user_id;
        of_run := old.run_id;
        tasks := tasks - 1;
        ended := ended - (old.completed_at is not null)::integer;
        counted := counted - (old.tokens_total is not null)::integer;
        priced := priced - (old.cost is not null)::integer;
        tokens := tokens - coalesce(old.tokens_total, 0);
        spent := spent - coalesce(old.cost, 0);
    end if;
    if tg_op <> 'DELETE' then
        of_user := new.user_id;
        of_run := new.run_id;
        tasks := tasks + 1;
        ended := ended + (new.completed_at is not null)::integer;
        counted := counted + (new.tokens_total is not null)::integer;
        priced := priced + (new.cost is not null)::integer;
        tokens := tokens + coalesce(new.tokens_total, 0);
        spent := spent + coalesce(new.cost, 0);
    end if;
    if tg_op <> 'DELETE' and new.status in ('error', 'timeout') and new.response_text = ''
        and (tg_op = 'INSERT' or old.status <> new.status) then
        failure := nullif(airuns.preview(new.response_errors ->> 'message'), '');
    end if;

    update airuns.ai_runs as r
    set task_count = r.task_count + tasks,
        ended_task_count = r.ended_task_count + ended,
        counted_task_count = r.counted_task_count + counted,
        priced_task_count = r.priced_task_count + priced,
        total_tokens = case
            when r.counted_task_count + counted > 0 or r.ended_task_count + ended = 0
            then coalesce(r.total_tokens, 0) + tokens
        end,
        total_cost = case
            when r.priced_task_count + priced > 0 or r.ended_task_count + ended = 0
            then coalesce(r.total_cost, 0) + spent
        end,
        status = case
            when tg_op = 'DELETE' or (tg_op = 'UPDATE' and old.status = new.status) then r.status
            when new.status in ('error', 'timeout') then 'error'
            when tg_op = 'INSERT' and new.completed_at is null then 'active'
            when new.status = 'completed' and r.status = 'error' then 'active'
            else r.status
        end,
        last_task_id = case when tg_op = 'INSERT' then new.task_id else r.last_task_id end,
        last_task_status = case
            when tg_op = 'INSERT' or r.last_task_id = new.task_id
            then case when new.completed_at is null then 'pending' else new.status end
            else r.last_task_status
        end,
        preview = case
            when tg_op = 'INSERT' or r.last_task_id = new.task_id then coalesce(failure, r.preview)
            else r.preview
        end
    where r.user_id = of_user and r.id = of_run;

    if tg_op = 'DELETE' then
        update airuns.ai_runs as r
        set (last_task_id, last_task_status) = (
            select t.task_id, case when t.completed_at is null then 'pending' else t.status end
            from airuns.ai_tasks as t
            where t.user_id = of_user and t.run_id = of_run
            order by t.created_at desc, t.task_id desc
            limit 1)
        where r.user_id = of_user and r.id = of_run and r.last_task_id = old.task_id;
    end if;
    return null;
end
$$;
comment on function airuns.sum_task() is 'Keeps counts, totals, status and newest task of the run; total_* are null when nothing is known of any ended task.';
create trigger sum_new_task after insert on airuns.ai_tasks
    for each row when (not new.added) execute function airuns.sum_task();
create trigger sum_changed_task after update of status, tokens_total, cost on airuns.ai_tasks
    for each row when (
        (old.status is distinct from new.status and new.status <> 'streaming')
        or old.tokens_total is distinct from new.tokens_total
        or old.cost is distinct from new.cost)
    execute function airuns.sum_task();
create trigger sum_dropped_task after delete on airuns.ai_tasks
    for each row execute function airuns.sum_task();

-- For people who query SQL directly. Views run with the rights of whoever reads them.

create view airuns.run_summaries with (security_invoker = true) as
select
    user_id, id, source_type, source_id, name, tags, status, is_starred,
    archived_at is not null as is_archived, message_count, task_count, total_tokens, total_cost,
    settings ->> 'model' as model, created_at, last_message_at
from airuns.ai_runs
where deleted_at is null;
comment on view airuns.run_summaries is 'One row a run that is not deleted.';

create view airuns.prompt_runs_with_details with (security_invoker = true) as
select
    r.user_id, r.id, r.name, r.status, r.message_count, r.task_count, r.total_tokens, r.total_cost,
    r.is_starred, r.variable_values, r.prompt_version, r.last_message_at, r.created_at,
    p.id as prompt_id, p.name as prompt_name
from airuns.ai_runs as r
join airuns.prompts as p on p.user_id = r.user_id and p.id = r.prompt_id
where r.deleted_at is null;
comment on view airuns.prompt_runs_with_details is 'Runs of prompts, with the prompt''s name.';

create view airuns.task_analytics with (security_invoker = true) as
select
    user_id, (created_at at time zone 'UTC')::date as day, provider, model, status,
    count(*) as task_count,
    sum(tokens_input) as tokens_input, sum(tokens_output) as tokens_output, sum(tokens_total) as tokens_total,
    sum(cost) as cost, count(*) - count(cost) as unpriced_task_count,
    avg(time_to_first_token) as avg_time_to_first_token, avg(total_time) as avg_total_time
from airuns.ai_tasks
group by user_id, day, provider, model, status;
comment on view airuns.task_analytics is 'Tasks per day (UTC), provider, model and status; times in seconds, cost in USD.';

create function airuns.task_prompt_text(of_user uuid, node uuid) returns text
    language plpgsql stable set search_path = '' as $$
begin
    return (
        with recursive line as (
            select m.user_id, m.parent_id, m.depth, m.role, m.content
            from airuns.ai_messages as m
            where m.user_id = of_user and m.id = node
            union all
            select m.user_id, m.parent_id, m.depth, m.role, m.content
            from line as l
            join airuns.ai_messages as m on m.user_id = of_user and m.id = l.parent_id
            where m.role <> 'assistant'
        )
        select string_agg(content, e'\n\n' order by depth) from line
    );
end
$$;
comment on function airuns.task_prompt_text(uuid, uuid) is 'What a task asked: the messages since the last answer before it.';

create view airuns.prompt_run_history with (security_invoker = true) as
select
    t.task_id as id, t.prompt_id, t.user_id,
    airuns.task_prompt_text(t.user_id, t.request_message_id) as prompt_text,
    t.response_text as response, t.model, t.tokens_total as tokens_used,
    (t.total_time * 1000)::bigint as execution_time_ms,
    case t.status when 'completed' then 'success' when 'streaming' then 'pending' else t.status end as status,
    t.response_errors ->> 'message' as error_message,
    t.created_at, t.run_id, r.prompt_version, t.cost
from airuns.ai_tasks as t
join airuns.ai_runs as r on r.user_id = t.user_id and r.id = t.run_id
where t.prompt_id is not null and r.deleted_at is null;
comment on view airuns.prompt_run_history is 'Every execution of a prompt. Status is success, error, timeout, pending or cancelled.';

grant select on airuns.run_summaries, airuns.prompt_runs_with_details, airuns.task_analytics,
    airuns.prompt_run_history to airuns_app;

-- What has been used, added up by hour, day and month (UTC), so that a dashboard reads these and not tasks.
-- Nobody who ends a task waits for another: triggers only add rows to usage_changes, what was with its sign turned
-- and what is, and whatever reads adds them to the sums; now and then they are folded into usage_hourly and
-- usage_parts_*. So there is no row that all of a user's tasks update, and no order of locks to keep.
-- All have the same measures. Unknown is '' or the nil UUID, because the columns are a key; the views say null.

create table airuns.usage_hourly (
    user_id uuid not null references airuns.users (id) on delete cascade,
    at timestamptz not null,
    tag text not null default '',
    source_type text not null default '',
    prompt_id uuid not null default '00000000-0000-0000-0000-000000000000',
    prompt_version integer not null default 0,
    provider text not null default '',
    model text not null default '',
    key_id uuid not null default '00000000-0000-0000-0000-000000000000',
    status text not null default '',
    error_code text not null default '',
    runs bigint not null default 0,
    tasks bigint not null default 0,
    failed bigint not null default 0,
    counted bigint not null default 0,
    priced bigint not null default 0,
    estimated bigint not null default 0,
    tokens_input bigint not null default 0,
    tokens_output bigint not null default 0,
    tokens_total bigint not null default 0,
    tokens_cache_read bigint not null default 0,
    tokens_cache_write_5m bigint not null default 0,
    tokens_cache_write_1h bigint not null default 0,
    tokens_reasoning bigint not null default 0,
    generated_tokens bigint not null default 0,
    generated_us bigint not null default 0,
    first_token_tasks bigint not null default 0,
    first_token_us bigint not null default 0,
    total_time_tasks bigint not null default 0,
    total_time_us bigint not null default 0,
    cost numeric not null default 0,
    first_token_histogram numeric not null default 0,
    total_time_histogram numeric not null default 0,
    primary key (user_id, at, tag, source_type, prompt_id, prompt_version, provider, model, key_id, status, error_code)
) with (fillfactor = 70);
comment on table airuns.usage_hourly is 'Ended tasks and begun runs, added up by hour (UTC) of their created_at. Read usage_by_hour, which has also what is not folded in yet.';
comment on column airuns.usage_hourly.at is 'When the hour begins.';
comment on column airuns.usage_hourly.tag is 'Empty: everything. A run with tags is counted once more for each of them.';
comment on column airuns.usage_hourly.prompt_version is '0: none.';
comment on column airuns.usage_hourly.status is 'Of the tasks; empty in the rows that count runs.';
comment on column airuns.usage_hourly.failed is 'Tasks that ended as error or timeout.';
comment on column airuns.usage_hourly.runs is 'Runs that began, deleted ones too until they are purged; in rows of their own, without model and status.';
comment on column airuns.usage_hourly.counted is 'Tasks whose tokens are known.';
comment on column airuns.usage_hourly.priced is 'Tasks whose cost is known; the others are missing from it.';
comment on column airuns.usage_hourly.estimated is 'Tasks whose tokens are our estimate.';
comment on column airuns.usage_hourly.generated_tokens is 'Output of the tasks that say both times; divided by generated_us it is tokens per second.';
comment on column airuns.usage_hourly.generated_us is 'Microseconds from the first token of those tasks to the last.';
comment on column airuns.usage_hourly.first_token_histogram is 'How many tasks had which time, eight decimal digits a bucket (see latency_bucket): sums of histograms are histograms.';

create index usage_of_prompt on airuns.usage_hourly (user_id, prompt_id, at)
    where prompt_id <> '00000000-0000-0000-0000-000000000000';

create table airuns.usage_parts_hourly (
    user_id uuid not null references airuns.users (id) on delete cascade,
    about text not null,
    at timestamptz not null,
    value text not null default '',
    detail text not null default '',
    runs bigint not null default 0,
    tasks bigint not null default 0,
    failed bigint not null default 0,
    counted bigint not null default 0,
    priced bigint not null default 0,
    estimated bigint not null default 0,
    tokens_input bigint not null default 0,
    tokens_output bigint not null default 0,
    tokens_total bigint not null default 0,
    tokens_cache_read bigint not null default 0,
    tokens_cache_write_5m bigint not null default 0,
    tokens_cache_write_1h bigint not null default 0,
    tokens_reasoning bigint not null default 0,
    generated_tokens bigint not null default 0,
    generated_us bigint not null default 0,
    first_token_tasks bigint not null default 0,
    first_token_us bigint not null default 0,
    total_time_tasks bigint not null default 0,
    total_time_us bigint not null default 0,
    cost numeric not null default 0,
    first_token_histogram numeric not null default 0,
    total_time_histogram numeric not null default 0,
    primary key (user_id, about, at, value, detail)
) with (fillfactor = 70);
comment on table airuns.usage_parts_hourly is 'The sums of usage_hourly by one thing alone: a row per hour and model, one per hour and tag, …; so few that a dashboard reads them however many tasks there were. Read usage_parts_by_hour, which has also what is not folded in yet.';
comment on column airuns.usage_parts_hourly.about is 'What the row is a part by: all, model, prompt, version, source, key, tag or status (see usage_parts).';
comment on column airuns.usage_parts_hourly.value is 'Which model, prompt, …; empty: what has none.';
comment on column airuns.usage_parts_hourly.detail is 'The provider of a model, the version of a prompt, the error code of a status.';
comment on column airuns.usage_parts_hourly.first_token_histogram is 'Kept of all, of models and of versions, where it is shown; 0 elsewhere.';

create table airuns.usage_parts_daily (
    like airuns.usage_parts_hourly including defaults including indexes,
    foreign key (user_id) references airuns.users (id) on delete cascade
) with (fillfactor = 70);
comment on table airuns.usage_parts_daily is 'As usage_parts_hourly, by day (UTC). Read usage_parts_by_day, which has also what is not folded in yet.';

create table airuns.usage_parts_monthly (
    like airuns.usage_parts_hourly including defaults including indexes,
    foreign key (user_id) references airuns.users (id) on delete cascade
) with (fillfactor = 70);
comment on table airuns.usage_parts_monthly is 'As usage_parts_hourly, by month (UTC), so that a year is twelve rows of each thing. Read usage_parts_by_month, which has also what is not folded in yet.';

create table airuns.usage_changes (
    user_id uuid not null references airuns.users (id) on delete cascade,
    id bigint generated by default as identity,
    run_id uuid not null,
    at timestamptz not null,
    tag text not null default '',
    source_type text not null default '',
    prompt_id uuid not null default '00000000-0000-0000-0000-000000000000',
    prompt_version integer not null default 0,
    provider text not null default '',
    model text not null default '',
    key_id uuid not null default '00000000-0000-0000-0000-000000000000',
    status text not null default '',
    error_code text not null default '',
    runs bigint not null default 0,
    tasks bigint not null default 0,
    failed bigint not null default 0,
    counted bigint not null default 0,
    priced bigint not null default 0,
    estimated bigint not null default 0,
    tokens_input bigint not null default 0,
    tokens_output bigint not null default 0,
    tokens_total bigint not null default 0,
    tokens_cache_read bigint not null default 0,
    tokens_cache_write_5m bigint not null default 0,
    tokens_cache_write_1h bigint not null default 0,
    tokens_reasoning bigint not null default 0,
    generated_tokens bigint not null default 0,
    generated_us bigint not null default 0,
    first_token_tasks bigint not null default 0,
    first_token_us bigint not null default 0,
    total_time_tasks bigint not null default 0,
    total_time_us bigint not null default 0,
    cost numeric not null default 0,
    first_token_histogram numeric not null default 0,
    total_time_histogram numeric not null default 0,
    primary key (user_id, id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
comment on table airuns.usage_changes is 'What is not yet folded into the sums: a row for each task that ended and each run that began, a negative one for what was before a change.';

alter table airuns.usage_hourly enable row level security;
alter table airuns.usage_hourly force row level security;
grant select, insert, update, delete on airuns.usage_hourly to airuns_app;
create policy "users see their hours" on airuns.usage_hourly for select to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users add their hours" on airuns.usage_hourly for insert to airuns_app
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users change their hours" on airuns.usage_hourly for update to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write())
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users delete their hours" on airuns.usage_hourly for delete to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());

alter table airuns.usage_parts_hourly enable row level security;
alter table airuns.usage_parts_hourly force row level security;
grant select, insert, update, delete on airuns.usage_parts_hourly to airuns_app;
create policy "users see their parts of hours" on airuns.usage_parts_hourly for select to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users add their parts of hours" on airuns.usage_parts_hourly for insert to airuns_app
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users change their parts of hours" on airuns.usage_parts_hourly for update to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write())
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users delete their parts of hours" on airuns.usage_parts_hourly for delete to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());

alter table airuns.usage_parts_daily enable row level security;
alter table airuns.usage_parts_daily force row level security;
grant select, insert, update, delete on airuns.usage_parts_daily to airuns_app;
create policy "users see their parts of days" on airuns.usage_parts_daily for select to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users add their parts of days" on airuns.usage_parts_daily for insert to airuns_app
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users change their parts of days" on airuns.usage_parts_daily for update to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write())
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users delete their parts of days" on airuns.usage_parts_daily for delete to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());

alter table airuns.usage_parts_monthly enable row level security;
alter table airuns.usage_parts_monthly force row level security;
grant select, insert, update, delete on airuns.usage_parts_monthly to airuns_app;
create policy "users see their parts of months" on airuns.usage_parts_monthly for select to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users add their parts of months" on airuns.usage_parts_monthly for insert to airuns_app
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users change their parts of months" on airuns.usage_parts_monthly for update to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write())
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users delete their parts of months" on airuns.usage_parts_monthly for delete to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());

alter table airuns.usage_changes enable row level security;
alter table airuns.usage_changes force row level security;
grant select, insert, delete on airuns.usage_changes to airuns_app;
create policy "users see their changes of usage" on airuns.usage_changes for select to airuns_app
    using (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end);
create policy "users add their changes of usage" on airuns.usage_changes for insert to airuns_app
    with check (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end and airuns.may_write());
create policy "users delete their changes of usage" on airuns.usage_changes for delete to airuns_app
    using (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end and airuns.may_write());
grant select on airuns.usage_changes to airuns_service;
create policy "folding sees whose usage has changed" on airuns.usage_changes for select to airuns_service using (true);

-- What is used is noted in usage_changes (80_usage.sql) as it changes; 83_usage_sums.sql folds that into the sums.

create function airuns.latency_bucket(seconds double precision) returns numeric
    language plpgsql immutable parallel safe as $$
begin
    if seconds is null then
        return 0;
    end if;
    return ('1e' || 8 * least(ceil(ln(greatest(seconds * 1000, 1)) / ln(1.105)), 199)::integer)::numeric;
end
$$;
comment on function airuns.latency_bucket(double precision) is 'A histogram of one time: bucket n ends at 1.105^n ms and has the digits 8n to 8n+7, so that numerics add up to histograms of less than 10^8 a bucket.';

create view airuns.task_usage with (security_invoker = true) as
select
    t.user_id, t.run_id, t.task_id, date_bin('1 hour', t.created_at, timestamptz '2000-01-01 00:00Z') as at,
    coalesce(t.source_type, '') as source_type,
    coalesce(t.prompt_id, '00000000-0000-0000-0000-000000000000') as prompt_id,
    coalesce(t.prompt_version, 0) as prompt_version, coalesce(t.provider, '') as provider,
    coalesce(t.model, '') as model, coalesce(t.key_id, '00000000-0000-0000-0000-000000000000') as key_id,
    t.status, coalesce(left(t.response_errors ->> 'code', 60), '') as error_code,
    0 as runs, 1 as tasks, (t.status in ('error', 'timeout'))::integer as failed,
    (t.tokens_total is not null)::integer as counted, (t.cost is not null)::integer as priced,
    t.usage_estimated::integer as estimated, coalesce(t.tokens_input, 0) as tokens_input,
    coalesce(t.tokens_output, 0) as tokens_output, coalesce(t.tokens_total, 0) as tokens_total,
    coalesce(t.tokens_cache_read, 0) as tokens_cache_read,
    coalesce(t.tokens_cache_write_5m, 0) as tokens_cache_write_5m,
    coalesce(t.tokens_cache_write_1h, 0) as tokens_cache_write_1h,
    coalesce(t.tokens_reasoning, 0) as tokens_reasoning,
    case when g.is_known then t.tokens_output else 0 end as generated_tokens,
    case when g.is_known then round((t.total_time - t.time_to_first_token) * 1000000)::bigint else 0 end as
        generated_us,
    (t.time_to_first_token is not null)::integer as first_token_tasks,
    coalesce(round(t.time_to_first_token * 1000000), 0)::bigint as first_token_us,
    (t.total_time is not null)::integer as total_time_tasks,
    coalesce(round(t.total_time * 1000000), 0)::bigint as total_time_us, coalesce(t.cost, 0) as cost,
    airuns.latency_bucket(t.time_to_first_token) as first_token_histogram,
    airuns.latency_bucket(t.total_time) as total_time_histogram
from airuns.ai_tasks as t
cross join lateral (
    select coalesce(t.total_time > t.time_to_first_token and t.tokens_output > 0, false) as is_known
) as g
where t.completed_at is not null;
comment on view airuns.task_usage is 'What each ended task adds to usage_hourly: the definition that the sums are checked against.';

create view airuns.run_usage with (security_invoker = true) as
select
    r.user_id, r.id as run_id, date_bin('1 hour', r.created_at, timestamptz '2000-01-01 00:00Z') as at, r.source_type,
    coalesce(r.prompt_id, '00000000-0000-0000-0000-000000000000') as prompt_id,
    coalesce(r.prompt_version, 0) as prompt_version, r.tags
from airuns.ai_runs as r;
comment on view airuns.run_usage is 'Where each run is counted in usage_hourly, and the tags that its tasks are counted for once more.';

create function airuns.count_task() returns trigger language plpgsql as $$
begin
    if current_user <> 'airuns_app' then
        return null; -- a cascade's trigger runs as the owner, to whom no run exists
    end if;
    if tg_op = 'UPDATE' then -- else the run's tags might change while we look
        perform from airuns.ai_runs as r
        where r.user_id = new.user_id and r.id = new.run_id
        for no key update;
    end if;
    insert into airuns.usage_changes (user_id, run_id, at, tag,
        source_type, prompt_id, prompt_version, provider, model, key_id, status, error_code,
        runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total, tokens_cache_read,
        tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens, generated_us,
        first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost, first_token_histogram,
        total_time_histogram)
    select t.user_id, t.run_id, date_bin('1 hour', t.created_at, timestamptz '2000-01-01 00:00Z'), l.tag,
        coalesce(t.source_type, ''), coalesce(t.prompt_id, '00000000-0000-0000-0000-000000000000'),
        coalesce(t.prompt_version, 0), coalesce(t.provider, ''), coalesce(t.model, ''),
        coalesce(t.key_id, '00000000-0000-0000-0000-000000000000'),
        t.status, coalesce(left(t.response_errors ->> 'code', 60), ''),
        0, t.sign, t.sign * (t.status in ('error', 'timeout'))::integer,
        t.sign * (t.tokens_total is not null)::integer, t.sign * (t.cost is not null)::integer,
        t.sign * t.usage_estimated::integer, t.sign * coalesce(t.tokens_input, 0),
        t.sign * coalesce(t.tokens_output, 0), t.sign * coalesce(t.tokens_total, 0),
        t.sign * coalesce(t.tokens_cache_read, 0), t.sign * coalesce(t.tokens_cache_write_5m, 0),
        t.sign * coalesce(t.tokens_cache_write_1h, 0), t.sign * coalesce(t.tokens_reasoning, 0),
        t.sign * case when g.is_known then t.tokens_output else 0 end,
        t.sign * case when g.is_known then round((t.total_time - t.time_to_first_token) * 1000000)::bigint else 0 end,
        t.sign * (t.time_to_first_token is not null)::integer,
        t.sign * coalesce(round(t.time_to_first_token * 1000000), 0)::bigint,
        t.sign * (t.total_time is not null)::integer, t.sign * coalesce(round(t.total_time * 1000000), 0)::bigint,
        t.sign * coalesce(t.cost, 0), t.sign * airuns.latency_bucket(t.time_to_first_token),
        t.sign * airuns.latency_bucket(t.total_time)
    from (values
        (-1, old.user_id, old.run_id, old.source_type, old.prompt_id, old.prompt_version, old.provider, old.model,
        old.key_id,
        old.status, old.response_errors, old.tokens_input, old.tokens_output, old.tokens_total, old.tokens_cache_read,
        old.tokens_cache_write_5m, old.tokens_cache_write_1h, old.tokens_reasoning, old.usage_estimated, old.cost,
        old.time_to_first_token, old.total_time, old.created_at, old.completed_at),
        (1, new.user_id, new.run_id, new.source_type, new.prompt_id, new.prompt_version, new.provider, new.model,
        new.key_id,
        new.status, new.response_errors, new.tokens_input, new.tokens_output, new.tokens_total, new.tokens_cache_read,
        new.tokens_cache_write_5m, new.tokens_cache_write_1h, new.tokens_reasoning, new.usage_estimated, new.cost,
        new.time_to_first_token, new.total_time, new.created_at, new.completed_at)
    ) as t (sign, user_id, run_id, source_type, prompt_id, prompt_version, provider, model, key_id, status,
        response_errors, tokens_input, tokens_output, tokens_total, tokens_cache_read, tokens_cache_write_5m,
        tokens_cache_write_1h,
        tokens_reasoning, usage_estimated, cost, time_to_first_token, total_time, created_at, completed_at)
    join airuns.ai_runs as r on r.user_id = t.user_id and r.id = t.run_id
    cross join lateral (select '' union select unnest(r.tags)) as l (tag)
    cross join lateral (
        select coalesce(t.total_time > t.time_to_first_token and t.tokens_output > 0, false) as is_known
    ) as g
    where t.completed_at is not null;
    return null;
end
$$;
comment on function airuns.count_task() is 'Notes what a task adds to the usage: what was is subtracted, what is is added. Where the run has gone, its own trigger has subtracted all tasks that it had.';
create trigger use_new_task after insert on airuns.ai_tasks
    for each row when (new.completed_at is not null and not new.added) execute function airuns.count_task();
create trigger use_changed_task after update of source_type, prompt_id, prompt_version, provider, model, key_id,
    status, response_errors,
    tokens_input, tokens_output, tokens_total, tokens_cache_read, tokens_cache_write_5m, tokens_cache_write_1h,
    tokens_reasoning, usage_estimated,
    cost, time_to_first_token, total_time, created_at
    on airuns.ai_tasks
    for each row when (
        (old.completed_at is not null or new.completed_at is not null)
        and (old.user_id, old.run_id, old.source_type, old.prompt_id, old.prompt_version, old.provider, old.model,
        old.key_id,
        old.status, old.response_errors ->> 'code', old.tokens_input, old.tokens_output, old.tokens_total,
        old.tokens_cache_read,
        old.tokens_cache_write_5m, old.tokens_cache_write_1h, old.tokens_reasoning, old.usage_estimated, old.cost,
        old.time_to_first_token, old.total_time, old.created_at, old.completed_at)
        is distinct from
        (new.user_id, new.run_id, new.source_type, new.prompt_id, new.prompt_version, new.provider, new.model,
        new.key_id,
        new.status, new.response_errors ->> 'code', new.tokens_input, new.tokens_output, new.tokens_total,
        new.tokens_cache_read,
        new.tokens_cache_write_5m, new.tokens_cache_write_1h, new.tokens_reasoning, new.usage_estimated, new.cost,
        new.time_to_first_token, new.total_time, new.created_at, new.completed_at))
    execute function airuns.count_task();
create trigger use_dropped_task after delete on airuns.ai_tasks
    for each row when (old.completed_at is not null) execute function airuns.count_task();

create function airuns.count_run() returns trigger language plpgsql as $$
begin
    if current_user <> 'airuns_app' then
        return old; -- as in count_task
    end if;
    insert into airuns.usage_changes (user_id, run_id, at, tag, source_type, prompt_id, prompt_version, runs)
    select r.user_id, r.id, date_bin('1 hour', r.created_at, timestamptz '2000-01-01 00:00Z'), l.tag, r.source_type,
        coalesce(r.prompt_id, '00000000-0000-0000-0000-000000000000'), coalesce(r.prompt_version, 0), r.sign
    from (values
        (-1, old.user_id, old.id, old.created_at, old.source_type, old.prompt_id, old.prompt_version, old.tags),
        (1, new.user_id, new.id, new.created_at, new.source_type, new.prompt_id, new.prompt_version, new.tags)
    ) as r (sign, user_id, id, created_at, source_type, prompt_id, prompt_version, tags)
    cross join lateral (select '' union select unnest(r.tags)) as l (tag)
    where r.user_id is not null;
    if tg_op = 'DELETE' or (tg_op = 'UPDATE' and old.tags <> new.tags) then
        insert into airuns.usage_changes (user_id, run_id, at, tag,
            source_type, prompt_id, prompt_version, provider, model, key_id, status, error_code,
            runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total,
            tokens_cache_read,
            tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens, generated_us,
            first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost, first_token_histogram,
            total_time_histogram)
        select u.user_id, u.run_id, u.at, l.tag,
            u.source_type, u.prompt_id, u.prompt_version, u.provider, u.model, u.key_id, u.status, u.error_code,
            sum(u.runs) * l.sign, sum(u.tasks) * l.sign, sum(u.failed) * l.sign,
            sum(u.counted) * l.sign, sum(u.priced) * l.sign, sum(u.estimated) * l.sign, sum(u.tokens_input) * l.sign,
            sum(u.tokens_output) * l.sign,
            sum(u.tokens_total) * l.sign, sum(u.tokens_cache_read) * l.sign, sum(u.tokens_cache_write_5m) * l.sign,
            sum(u.tokens_cache_write_1h) * l.sign, sum(u.tokens_reasoning) * l.sign, sum(u.generated_tokens) * l.sign,
            sum(u.generated_us) * l.sign, sum(u.first_token_tasks) * l.sign, sum(u.first_token_us) * l.sign,
            sum(u.total_time_tasks) * l.sign, sum(u.total_time_us) * l.sign, sum(u.cost) * l.sign,
            sum(u.first_token_histogram) * l.sign, sum(u.total_time_histogram) * l.sign
        from airuns.task_usage as u
        cross join (
            select -1, g.tag from (
                select '' where tg_op = 'DELETE'
                union
                select unnest(array_remove(old.tags, '')) except select unnest(new.tags)) as g (tag)
            union all
            select 1, c.tag from (
                select unnest(array_remove(new.tags, '')) except select unnest(old.tags)) as c (tag)
        ) as l (sign, tag)
        where u.user_id = old.user_id and u.run_id = old.id
        group by u.user_id, u.run_id, u.at, l.tag, l.sign,
            u.source_type, u.prompt_id, u.prompt_version, u.provider, u.model, u.key_id, u.status, u.error_code;
    end if;
    return old;
end
$$;
comment on function airuns.count_run() is 'Notes that a run began, that its tags have changed, for which its tasks are then counted, or that it goes with all of its tasks.';
create trigger use_new_run after insert on airuns.ai_runs for each row when (not new.added) execute function airuns.count_run();
create trigger use_changed_run after update of tags, source_type, source_id, prompt_version,
    created_at on airuns.ai_runs
    for each row when (
        (old.tags, old.source_type, old.source_id, old.prompt_version, old.created_at)
        is distinct from (new.tags, new.source_type, new.source_id, new.prompt_version, new.created_at))
    execute function airuns.count_run();
create trigger use_dropped_run before delete on airuns.ai_runs for each row execute function airuns.count_run();


-- What a user lets be spent. What is spent is read from the usage (80_usage.sql).

create table airuns.budgets (
    user_id uuid not null references airuns.users (id) on delete cascade,
    id uuid not null,
    name text not null check (length(name) between 1 and 100),
    key_id uuid,
    prompt_id uuid,
    period text not null check (period in ('day', 'week', 'month')),
    amount numeric not null check (amount > 0),
    is_hard boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (user_id, id),
    check (key_id is null or prompt_id is null),
    foreign key (user_id, key_id) references airuns.api_keys (user_id, id) on delete cascade,
    foreign key (user_id, prompt_id) references airuns.prompts (user_id, id) on delete cascade
);
comment on table airuns.budgets is 'How much a user, one API key or one prompt may spend in each day, week or month (UTC).';
comment on column airuns.budgets.amount is 'USD.';
comment on column airuns.budgets.is_hard is 'Once it is spent, calls are refused; otherwise it is only shown.';

create index budgets_of_key on airuns.budgets (user_id, key_id) where key_id is not null;
create index budgets_of_prompt on airuns.budgets (user_id, prompt_id) where prompt_id is not null;
alter table airuns.budgets enable row level security;
alter table airuns.budgets force row level security;
grant select, insert, update, delete on airuns.budgets to airuns_app;
create policy "users see their budgets" on airuns.budgets for select to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users add their budgets" on airuns.budgets for insert to airuns_app
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users change their budgets" on airuns.budgets for update to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write())
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "users delete their budgets" on airuns.budgets for delete to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create trigger touch before update on airuns.budgets for each row execute function airuns.touch();

-- How usage_changes (80_usage.sql) are folded into the sums, and how these are built anew. 84_usage_views.sql reads them.

create type airuns.usage_part as (about text, value text, detail text);
comment on type airuns.usage_part is 'A row of usage_parts_hourly that a row of usage_hourly is added to.';

create function airuns.usage_parts(
    tag text, source_type text, prompt_id uuid, prompt_version integer, provider text, model text, key_id uuid,
    status text, error_code text
) returns airuns.usage_part[] language plpgsql immutable parallel safe as $$
declare
    nobody constant uuid := '00000000-0000-0000-0000-000000000000';
    parts airuns.usage_part[];
begin
    if tag <> '' then -- what has a tag is there once more without one
        return array[('tag', tag, '')::airuns.usage_part];
    end if;
    parts := array[('all', '', ''), ('source', source_type, ''),
        ('prompt', coalesce(nullif(prompt_id, nobody)::text, ''), '')]::airuns.usage_part[];
    if prompt_id <> nobody then
        parts := parts || ('version', prompt_id::text, prompt_version::text)::airuns.usage_part;
    end if;
    if status <> '' then -- else it counts runs
        parts := parts || array[('model', model, provider), ('status', status, error_code),
            ('key', coalesce(nullif(key_id, nobody)::text, ''), '')]::airuns.usage_part[];
    end if;
    return parts;
end
$$;
comment on function airuns.usage_parts(text, text, uuid, integer, text, text, uuid, text, text) is 'What a row of usage_hourly or usage_changes is a part of, by each thing alone.';

create function airuns.fold_usage(of_user uuid, most integer) returns integer language plpgsql as $$
declare
    folded integer;
    emptied timestamptz[];
begin
    with taken as (
        delete from airuns.usage_changes as c
        where c.user_id = of_user and c.id in (
            select n.id from airuns.usage_changes as n where n.user_id = of_user order by n.id limit most)
        returning c.*
    ), details as (
        insert into airuns.usage_hourly as u (user_id, at, tag,
            source_type, prompt_id, prompt_version, provider, model, key_id, status, error_code,
            runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total,
            tokens_cache_read, tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens,
            generated_us, first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost,
            first_token_histogram, total_time_histogram)
        select of_user, t.at, t.tag,
            t.source_type, t.prompt_id, t.prompt_version, t.provider, t.model, t.key_id, t.status, t.error_code,
            sum(t.runs), sum(t.tasks), sum(t.failed), sum(t.counted), sum(t.priced), sum(t.estimated),
            sum(t.tokens_input), sum(t.tokens_output), sum(t.tokens_total), sum(t.tokens_cache_read),
            sum(t.tokens_cache_write_5m), sum(t.tokens_cache_write_1h), sum(t.tokens_reasoning),
            sum(t.generated_tokens), sum(t.generated_us), sum(t.first_token_tasks), sum(t.first_token_us),
            sum(t.total_time_tasks), sum(t.total_time_us), sum(t.cost), sum(t.first_token_histogram),
            sum(t.total_time_histogram)
        from taken as t
        group by t.at, t.tag,
            t.source_type, t.prompt_id, t.prompt_version, t.provider, t.model, t.key_id, t.status, t.error_code
        on conflict (user_id, at, tag, source_type, prompt_id, prompt_version, provider, model, key_id, status,
            error_code) do update set
            runs = u.runs + excluded.runs, tasks = u.tasks + excluded.tasks, failed = u.failed + excluded.failed,
            counted = u.counted + excluded.counted, priced = u.priced + excluded.priced,
            estimated = u.estimated + excluded.estimated, tokens_input = u.tokens_input + excluded.tokens_input,
            tokens_output = u.tokens_output + excluded.tokens_output,
            tokens_total = u.tokens_total + excluded.tokens_total,
            tokens_cache_read = u.tokens_cache_read + excluded.tokens_cache_read,
            tokens_cache_write_5m = u.tokens_cache_write_5m + excluded.tokens_cache_write_5m,
            tokens_cache_write_1h = u.tokens_cache_write_1h + excluded.tokens_cache_write_1h,
            tokens_reasoning = u.tokens_reasoning + excluded.tokens_reasoning,
            generated_tokens = u.generated_tokens + excluded.generated_tokens,
            generated_us = u.generated_us + excluded.generated_us,
            first_token_tasks = u.first_token_tasks + excluded.first_token_tasks,
            first_token_us = u.first_token_us + excluded.first_token_us,
            total_time_tasks = u.total_time_tasks + excluded.total_time_tasks,
            total_time_us = u.total_time_us + excluded.total_time_us, cost = u.cost + excluded.cost,
            first_token_histogram = u.first_token_histogram + excluded.first_token_histogram,
            total_time_histogram = u.total_time_histogram + excluded.total_time_histogram
    ), parts as materialized (
        select t.at, p.about, p.value, p.detail,
            sum(t.runs) as runs, sum(t.tasks) as tasks, sum(t.failed) as failed, sum(t.counted) as counted,
            sum(t.priced) as priced, sum(t.estimated) as estimated,
            sum(t.tokens_input) as tokens_input, sum(t.tokens_output) as tokens_output,
            sum(t.tokens_total) as tokens_total, sum(t.tokens_cache_read) as tokens_cache_read,
            sum(t.tokens_cache_write_5m) as tokens_cache_write_5m,
            sum(t.tokens_cache_write_1h) as tokens_cache_write_1h, sum(t.tokens_reasoning) as tokens_reasoning,
            sum(t.generated_tokens) as generated_tokens, sum(t.generated_us) as generated_us,
            sum(t.first_token_tasks) as first_token_tasks, sum(t.first_token_us) as first_token_us,
            sum(t.total_time_tasks) as total_time_tasks, sum(t.total_time_us) as total_time_us, sum(t.cost) as cost,
            sum(case when p.about in ('all', 'model', 'version') then t.first_token_histogram else 0 end)
                as first_token_histogram,
            sum(case when p.about in ('all', 'model', 'version') then t.total_time_histogram else 0 end)
                as total_time_histogram
        from taken as t
        cross join lateral unnest(airuns.usage_parts(
            t.tag, t.source_type, t.prompt_id, t.prompt_version, t.provider, t.model, t.key_id, t.status,
            t.error_code)) as p
        group by t.at, p.about, p.value, p.detail
    ), hourly as (
        insert into airuns.usage_parts_hourly as u (user_id, at, about, value, detail,
            runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total,
            tokens_cache_read, tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens,
            generated_us, first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost,
            first_token_histogram, total_time_histogram)
        select of_user, p.* from parts as p
        on conflict (user_id, about, at, value, detail) do update set
            runs = u.runs + excluded.runs, tasks = u.tasks + excluded.tasks, failed = u.failed + excluded.failed,
            counted = u.counted + excluded.counted, priced = u.priced + excluded.priced,
            estimated = u.estimated + excluded.estimated, tokens_input = u.tokens_input + excluded.tokens_input,
            tokens_output = u.tokens_output + excluded.tokens_output,
            tokens_total = u.tokens_total + excluded.tokens_total,
            tokens_cache_read = u.tokens_cache_read + excluded.tokens_cache_read,
            tokens_cache_write_5m = u.tokens_cache_write_5m + excluded.tokens_cache_write_5m,
            tokens_cache_write_1h = u.tokens_cache_write_1h + excluded.tokens_cache_write_1h,
            tokens_reasoning = u.tokens_reasoning + excluded.tokens_reasoning,
            generated_tokens = u.generated_tokens + excluded.generated_tokens,
            generated_us = u.generated_us + excluded.generated_us,
            first_token_tasks = u.first_token_tasks + excluded.first_token_tasks,
            first_token_us = u.first_token_us + excluded.first_token_us,
            total_time_tasks = u.total_time_tasks + excluded.total_time_tasks,
            total_time_us = u.total_time_us + excluded.total_time_us, cost = u.cost + excluded.cost,
            first_token_histogram = u.first_token_histogram + excluded.first_token_histogram,
            total_time_histogram = u.total_time_histogram + excluded.total_time_histogram
    ), daily as (
        insert into airuns.usage_parts_daily as u (user_id, at, about, value, detail,
            runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total,
            tokens_cache_read, tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens,
            generated_us, first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost,
            first_token_histogram, total_time_histogram)
        select of_user, date_bin('1 day', p.at, timestamptz '2000-01-01 00:00Z') as day, p.about, p.value, p.detail,
            sum(p.runs), sum(p.tasks), sum(p.failed), sum(p.counted), sum(p.priced), sum(p.estimated),
            sum(p.tokens_input), sum(p.tokens_output), sum(p.tokens_total), sum(p.tokens_cache_read),
            sum(p.tokens_cache_write_5m), sum(p.tokens_cache_write_1h), sum(p.tokens_reasoning),
            sum(p.generated_tokens), sum(p.generated_us), sum(p.first_token_tasks), sum(p.first_token_us),
            sum(p.total_time_tasks), sum(p.total_time_us), sum(p.cost), sum(p.first_token_histogram),
            sum(p.total_time_histogram)
        from parts as p
        group by day, p.about, p.value, p.detail
        on conflict (user_id, about, at, value, detail) do update set
            runs = u.runs + excluded.runs, tasks = u.tasks + excluded.tasks, failed = u.failed + excluded.failed,
            counted = u.counted + excluded.counted, priced = u.priced + excluded.priced,
            estimated = u.estimated + excluded.estimated, tokens_input = u.tokens_input + excluded.tokens_input,
            tokens_output = u.tokens_output + excluded.tokens_output,
            tokens_total = u.tokens_total + excluded.tokens_total,
            tokens_cache_read = u.tokens_cache_read + excluded.tokens_cache_read,
            tokens_cache_write_5m = u.tokens_cache_write_5m + excluded.tokens_cache_write_5m,
            tokens_cache_write_1h = u.tokens_cache_write_1h + excluded.tokens_cache_write_1h,
            tokens_reasoning = u.tokens_reasoning + excluded.tokens_reasoning,
            generated_tokens = u.generated_tokens + excluded.generated_tokens,
            generated_us = u.generated_us + excluded.generated_us,
            first_token_tasks = u.first_token_tasks + excluded.first_token_tasks,
            first_token_us = u.first_token_us + excluded.first_token_us,
            total_time_tasks = u.total_time_tasks + excluded.total_time_tasks,
            total_time_us = u.total_time_us + excluded.total_time_us, cost = u.cost + excluded.cost,
            first_token_histogram = u.first_token_histogram + excluded.first_token_histogram,
            total_time_histogram = u.total_time_histogram + excluded.total_time_histogram
    ), monthly as (
        insert into airuns.usage_parts_monthly as u (user_id, at, about, value, detail,
            runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total,
            tokens_cache_read, tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens,
            generated_us, first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost,
            first_token_histogram, total_time_histogram)
        select of_user, date_trunc('month', p.at, 'UTC') as month, p.about, p.value, p.detail,
            sum(p.runs), sum(p.tasks), sum(p.failed), sum(p.counted), sum(p.priced), sum(p.estimated),
            sum(p.tokens_input), sum(p.tokens_output), sum(p.tokens_total), sum(p.tokens_cache_read),
            sum(p.tokens_cache_write_5m), sum(p.tokens_cache_write_1h), sum(p.tokens_reasoning),
            sum(p.generated_tokens), sum(p.generated_us), sum(p.first_token_tasks), sum(p.first_token_us),
            sum(p.total_time_tasks), sum(p.total_time_us), sum(p.cost), sum(p.first_token_histogram),
            sum(p.total_time_histogram)
        from parts as p
        group by month, p.about, p.value, p.detail
        on conflict (user_id, about, at, value, detail) do update set
            runs = u.runs + excluded.runs, tasks = u.tasks + excluded.tasks, failed = u.failed + excluded.failed,
            counted = u.counted + excluded.counted, priced = u.priced + excluded.priced,
            estimated = u.estimated + excluded.estimated, tokens_input = u.tokens_input + excluded.tokens_input,
            tokens_output = u.tokens_output + excluded.tokens_output,
            tokens_total = u.tokens_total + excluded.tokens_total,
            tokens_cache_read = u.tokens_cache_read + excluded.tokens_cache_read,
            tokens_cache_write_5m = u.tokens_cache_write_5m + excluded.tokens_cache_write_5m,
            tokens_cache_write_1h = u.tokens_cache_write_1h + excluded.tokens_cache_write_1h,
            tokens_reasoning = u.tokens_reasoning + excluded.tokens_reasoning,
            generated_tokens = u.generated_tokens + excluded.generated_tokens,
            generated_us = u.generated_us + excluded.generated_us,
            first_token_tasks = u.first_token_tasks + excluded.first_token_tasks,
            first_token_us = u.first_token_us + excluded.first_token_us,
            total_time_tasks = u.total_time_tasks + excluded.total_time_tasks,
            total_time_us = u.total_time_us + excluded.total_time_us, cost = u.cost + excluded.cost,
            first_token_histogram = u.first_token_histogram + excluded.first_token_histogram,
            total_time_histogram = u.total_time_histogram + excluded.total_time_histogram
    )
    select count(*), array_agg(distinct t.at) filter (where t.tasks < 0 or t.runs < 0) into folded, emptied
    from taken as t;
    if emptied is not null then
        perform airuns.drop_empty_usage(of_user, emptied);
    end if;
    return folded;
end
$$;
comment on function airuns.fold_usage(uuid, integer) is 'Adds the oldest changes of a user''s usage, at most so many, to the sums; says how many there were.';

create function airuns.drop_empty_usage(of_user uuid, hours timestamptz[]) returns void language plpgsql as $$
declare
    abouts constant text[] := '{all,model,prompt,version,source,key,tag,status}'; -- the second column of the keys
begin
    delete from airuns.usage_hourly as u
    where u.user_id = of_user and u.at = any(hours) and u.tasks = 0 and u.runs = 0;
    delete from airuns.usage_parts_hourly as u
    where u.user_id = of_user and u.about = any(abouts) and u.at = any(hours) and u.tasks = 0 and u.runs = 0;
    delete from airuns.usage_parts_daily as u
    where u.user_id = of_user and u.about = any(abouts) and u.tasks = 0 and u.runs = 0 and u.at in (
        select date_bin('1 day', h.at, timestamptz '2000-01-01 00:00Z') from unnest(hours) as h (at));
    delete from airuns.usage_parts_monthly as u
    where u.user_id = of_user and u.about = any(abouts) and u.tasks = 0 and u.runs = 0 and u.at in (
        select date_trunc('month', h.at, 'UTC') from unnest(hours) as h (at));
end
$$;
comment on function airuns.drop_empty_usage(uuid, timestamptz[]) is 'Drops the sums of these hours, and of their days and months, that have fallen to nothing.';

create view airuns.usage_parts_due with (security_invoker = true) as
select u.user_id, p.about, u.at, p.value, p.detail,
    u.runs, u.tasks, u.failed, u.counted, u.priced, u.estimated, u.tokens_input,
    u.tokens_output, u.tokens_total, u.tokens_cache_read, u.tokens_cache_write_5m,
    u.tokens_cache_write_1h, u.tokens_reasoning, u.generated_tokens, u.generated_us,
    u.first_token_tasks, u.first_token_us, u.total_time_tasks, u.total_time_us, u.cost,
    case when p.about in ('all', 'model', 'version') then u.first_token_histogram else 0 end as first_token_histogram,
    case when p.about in ('all', 'model', 'version') then u.total_time_histogram else 0 end as total_time_histogram
from airuns.usage_hourly as u
cross join lateral unnest(airuns.usage_parts(
    u.tag, u.source_type, u.prompt_id, u.prompt_version, u.provider, u.model, u.key_id, u.status, u.error_code)) as p;
comment on view airuns.usage_parts_due is 'What the rows of usage_hourly add to usage_parts_hourly: the definition that these are checked against.';

create function airuns.rebuild_usage(of_user uuid) returns void language plpgsql as $$
begin
    delete from airuns.usage_changes as c where c.user_id = of_user;
    delete from airuns.usage_hourly as u where u.user_id = of_user;
    delete from airuns.usage_parts_hourly as u where u.user_id = of_user;
    delete from airuns.usage_parts_daily as u where u.user_id = of_user;
    delete from airuns.usage_parts_monthly as u where u.user_id = of_user;
    insert into airuns.usage_hourly (user_id, at, tag,
        source_type, prompt_id, prompt_version, provider, model, key_id, status, error_code,
        runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total, tokens_cache_read,
        tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens, generated_us,
        first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost, first_token_histogram,
        total_time_histogram)
    select of_user, u.at, l.tag,
        u.source_type, u.prompt_id, u.prompt_version, u.provider, u.model, u.key_id, u.status, u.error_code,
        sum(u.runs), sum(u.tasks), sum(u.failed), sum(u.counted), sum(u.priced), sum(u.estimated),
        sum(u.tokens_input), sum(u.tokens_output), sum(u.tokens_total), sum(u.tokens_cache_read),
        sum(u.tokens_cache_write_5m), sum(u.tokens_cache_write_1h), sum(u.tokens_reasoning), sum(u.generated_tokens),
        sum(u.generated_us), sum(u.first_token_tasks), sum(u.first_token_us), sum(u.total_time_tasks),
        sum(u.total_time_us), sum(u.cost), sum(u.first_token_histogram), sum(u.total_time_histogram)
    from airuns.task_usage as u
    join airuns.ai_runs as r on r.user_id = of_user and r.id = u.run_id
    cross join lateral (select '' union select unnest(r.tags)) as l (tag)
    where u.user_id = of_user
    group by u.at, l.tag,
        u.source_type, u.prompt_id, u.prompt_version, u.provider, u.model, u.key_id, u.status, u.error_code;
    insert into airuns.usage_hourly (user_id, at, tag, source_type, prompt_id, prompt_version, runs)
    select of_user, r.at, l.tag, r.source_type, r.prompt_id, r.prompt_version, count(*)
    from airuns.run_usage as r
    cross join lateral (select '' union select unnest(r.tags)) as l (tag)
    where r.user_id = of_user
    group by r.at, l.tag, r.source_type, r.prompt_id, r.prompt_version;
    insert into airuns.usage_parts_hourly (user_id, at, about, value, detail,
        runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total, tokens_cache_read,
        tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens, generated_us,
        first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost, first_token_histogram,
        total_time_histogram)
    select of_user, d.at, d.about, d.value, d.detail,
        sum(d.runs), sum(d.tasks), sum(d.failed), sum(d.counted), sum(d.priced), sum(d.estimated),
        sum(d.tokens_input), sum(d.tokens_output), sum(d.tokens_total), sum(d.tokens_cache_read),
        sum(d.tokens_cache_write_5m), sum(d.tokens_cache_write_1h), sum(d.tokens_reasoning), sum(d.generated_tokens),
        sum(d.generated_us), sum(d.first_token_tasks), sum(d.first_token_us), sum(d.total_time_tasks),
        sum(d.total_time_us), sum(d.cost), sum(d.first_token_histogram), sum(d.total_time_histogram)
    from airuns.usage_parts_due as d
    where d.user_id = of_user
    group by d.at, d.about, d.value, d.detail;
    insert into airuns.usage_parts_daily (user_id, at, about, value, detail,
        runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total, tokens_cache_read,
        tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens, generated_us,
        first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost, first_token_histogram,
        total_time_histogram)
    select of_user, date_bin('1 day', p.at, timestamptz '2000-01-01 00:00Z') as day, p.about, p.value, p.detail,
        sum(p.runs), sum(p.tasks), sum(p.failed), sum(p.counted), sum(p.priced), sum(p.estimated),
        sum(p.tokens_input), sum(p.tokens_output), sum(p.tokens_total), sum(p.tokens_cache_read),
        sum(p.tokens_cache_write_5m), sum(p.tokens_cache_write_1h), sum(p.tokens_reasoning), sum(p.generated_tokens),
        sum(p.generated_us), sum(p.first_token_tasks), sum(p.first_token_us), sum(p.total_time_tasks),
        sum(p.total_time_us), sum(p.cost), sum(p.first_token_histogram), sum(p.total_time_histogram)
    from airuns.usage_parts_hourly as p
    where p.user_id = of_user
    group by day, p.about, p.value, p.detail;
    insert into airuns.usage_parts_monthly (user_id, at, about, value, detail,
        runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total, tokens_cache_read,
        tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens, generated_us,
        first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost, first_token_histogram,
        total_time_histogram)
    select of_user, date_trunc('month', p.at, 'UTC') as month, p.about, p.value, p.detail,
        sum(p.runs), sum(p.tasks), sum(p.failed), sum(p.counted), sum(p.priced), sum(p.estimated),
        sum(p.tokens_input), sum(p.tokens_output), sum(p.tokens_total), sum(p.tokens_cache_read),
        sum(p.tokens_cache_write_5m), sum(p.tokens_cache_write_1h), sum(p.tokens_reasoning), sum(p.generated_tokens),
        sum(p.generated_us), sum(p.first_token_tasks), sum(p.first_token_us), sum(p.total_time_tasks),
        sum(p.total_time_us), sum(p.cost), sum(p.first_token_histogram), sum(p.total_time_histogram)
    from airuns.usage_parts_daily as p
    where p.user_id = of_user
    group by month, p.about, p.value, p.detail;
end
$$;
comment on function airuns.rebuild_usage(uuid) is 'Computes a user''s usage anew from the tasks; to be called first in a transaction that is repeatable read, so that no task is counted twice.';

-- What has been used, exact at any moment: the sums, and what is not folded into them yet.

create view airuns.usage_by_hour with (security_invoker = true) as
select
    u.user_id, u.at, nullif(u.tag, '') as tag, nullif(u.source_type, '') as source_type,
    nullif(u.prompt_id, '00000000-0000-0000-0000-000000000000') as prompt_id,
    nullif(u.prompt_version, 0) as prompt_version, nullif(u.provider, '') as provider, nullif(u.model, '') as model,
    nullif(u.key_id, '00000000-0000-0000-0000-000000000000') as key_id, nullif(u.status, '') as status,
    nullif(u.error_code, '') as error_code,
    u.runs, u.tasks, u.failed, u.counted, u.priced, u.estimated, u.tokens_input, u.tokens_output, u.tokens_total,
    u.tokens_cache_read, u.tokens_cache_write_5m, u.tokens_cache_write_1h, u.tokens_reasoning, u.generated_tokens,
    u.generated_us, u.first_token_tasks, u.first_token_us, u.total_time_tasks, u.total_time_us, u.cost,
    u.first_token_histogram, u.total_time_histogram
from airuns.usage_hourly as u
union all
select
    c.user_id, c.at, nullif(c.tag, '') as tag, nullif(c.source_type, '') as source_type,
    nullif(c.prompt_id, '00000000-0000-0000-0000-000000000000') as prompt_id,
    nullif(c.prompt_version, 0) as prompt_version, nullif(c.provider, '') as provider, nullif(c.model, '') as model,
    nullif(c.key_id, '00000000-0000-0000-0000-000000000000') as key_id, nullif(c.status, '') as status,
    nullif(c.error_code, '') as error_code,
    c.runs, c.tasks, c.failed, c.counted, c.priced, c.estimated, c.tokens_input, c.tokens_output, c.tokens_total,
    c.tokens_cache_read, c.tokens_cache_write_5m, c.tokens_cache_write_1h, c.tokens_reasoning, c.generated_tokens,
    c.generated_us, c.first_token_tasks, c.first_token_us, c.total_time_tasks, c.total_time_us, c.cost,
    c.first_token_histogram, c.total_time_histogram
from airuns.usage_changes as c;
comment on view airuns.usage_by_hour is 'What has been used by hour (UTC), exact at any moment: sum over the rows, of which there may be several for the same things. Rows with a tag count again what the rows without have.';

create view airuns.usage_parts_unfolded with (security_invoker = true) as
select
    c.user_id, p.about, c.at, p.value, p.detail,
    c.runs, c.tasks, c.failed, c.counted, c.priced, c.estimated, c.tokens_input, c.tokens_output, c.tokens_total,
    c.tokens_cache_read, c.tokens_cache_write_5m, c.tokens_cache_write_1h, c.tokens_reasoning, c.generated_tokens,
    c.generated_us, c.first_token_tasks, c.first_token_us, c.total_time_tasks, c.total_time_us, c.cost,
    case when p.about in ('all', 'model', 'version') then c.first_token_histogram else 0 end as first_token_histogram,
    case when p.about in ('all', 'model', 'version') then c.total_time_histogram else 0 end as total_time_histogram
from airuns.usage_changes as c
cross join lateral unnest(airuns.usage_parts(
    c.tag, c.source_type, c.prompt_id, c.prompt_version, c.provider, c.model, c.key_id, c.status, c.error_code)) as p;
comment on view airuns.usage_parts_unfolded is 'What usage_parts_hourly, _daily and _monthly do not have yet: the rest of the three views that follow.';
create view airuns.usage_parts_by_hour with (security_invoker = true) as
select
    u.user_id, u.about, u.at, u.value, u.detail,
    u.runs, u.tasks, u.failed, u.counted, u.priced, u.estimated, u.tokens_input, u.tokens_output, u.tokens_total,
    u.tokens_cache_read, u.tokens_cache_write_5m, u.tokens_cache_write_1h, u.tokens_reasoning, u.generated_tokens,
    u.generated_us, u.first_token_tasks, u.first_token_us, u.total_time_tasks, u.total_time_us, u.cost,
    u.first_token_histogram, u.total_time_histogram
from airuns.usage_parts_hourly as u
union all
select
    c.user_id, c.about, c.at, c.value, c.detail,
    c.runs, c.tasks, c.failed, c.counted, c.priced, c.estimated, c.tokens_input, c.tokens_output, c.tokens_total,
    c.tokens_cache_read, c.tokens_cache_write_5m, c.tokens_cache_write_1h, c.tokens_reasoning, c.generated_tokens,
    c.generated_us, c.first_token_tasks, c.first_token_us, c.total_time_tasks, c.total_time_us, c.cost,
    c.first_token_histogram, c.total_time_histogram
from airuns.usage_parts_unfolded as c;
create view airuns.usage_parts_by_day with (security_invoker = true) as
select
    u.user_id, u.about, u.at, u.value, u.detail,
    u.runs, u.tasks, u.failed, u.counted, u.priced, u.estimated, u.tokens_input, u.tokens_output, u.tokens_total,
    u.tokens_cache_read, u.tokens_cache_write_5m, u.tokens_cache_write_1h, u.tokens_reasoning, u.generated_tokens,
    u.generated_us, u.first_token_tasks, u.first_token_us, u.total_time_tasks, u.total_time_us, u.cost,
    u.first_token_histogram, u.total_time_histogram
from airuns.usage_parts_daily as u
union all
select
    c.user_id, c.about, date_bin('1 day', c.at, timestamptz '2000-01-01 00:00Z'), c.value, c.detail,
    c.runs, c.tasks, c.failed, c.counted, c.priced, c.estimated, c.tokens_input, c.tokens_output, c.tokens_total,
    c.tokens_cache_read, c.tokens_cache_write_5m, c.tokens_cache_write_1h, c.tokens_reasoning, c.generated_tokens,
    c.generated_us, c.first_token_tasks, c.first_token_us, c.total_time_tasks, c.total_time_us, c.cost,
    c.first_token_histogram, c.total_time_histogram
from airuns.usage_parts_unfolded as c;
create view airuns.usage_parts_by_month with (security_invoker = true) as
select
    u.user_id, u.about, u.at, u.value, u.detail,
    u.runs, u.tasks, u.failed, u.counted, u.priced, u.estimated, u.tokens_input, u.tokens_output, u.tokens_total,
    u.tokens_cache_read, u.tokens_cache_write_5m, u.tokens_cache_write_1h, u.tokens_reasoning, u.generated_tokens,
    u.generated_us, u.first_token_tasks, u.first_token_us, u.total_time_tasks, u.total_time_us, u.cost,
    u.first_token_histogram, u.total_time_histogram
from airuns.usage_parts_monthly as u
union all
select
    c.user_id, c.about, date_trunc('month', c.at, 'UTC'), c.value, c.detail,
    c.runs, c.tasks, c.failed, c.counted, c.priced, c.estimated, c.tokens_input, c.tokens_output, c.tokens_total,
    c.tokens_cache_read, c.tokens_cache_write_5m, c.tokens_cache_write_1h, c.tokens_reasoning, c.generated_tokens,
    c.generated_us, c.first_token_tasks, c.first_token_us, c.total_time_tasks, c.total_time_us, c.cost,
    c.first_token_histogram, c.total_time_histogram
from airuns.usage_parts_unfolded as c;
comment on view airuns.usage_parts_by_hour is 'What has been used by hour (UTC) and by one thing (about: all, model, prompt, version, source, key, tag, status), exact at any moment: sum over the rows. Quick however many tasks there were.';
comment on view airuns.usage_parts_by_day is 'As usage_parts_by_hour, by day (UTC).';
comment on view airuns.usage_parts_by_month is 'As usage_parts_by_hour, by month (UTC).';

grant select on airuns.task_usage, airuns.run_usage, airuns.usage_by_hour, airuns.usage_parts_due,
    airuns.usage_parts_unfolded, airuns.usage_parts_by_hour, airuns.usage_parts_by_day,
    airuns.usage_parts_by_month to airuns_app;

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

-- What comes in batches, from programs that call models themselves, is counted and indexed once a batch: a run's row has
-- a dozen indexes, and updating it for each message and each task was most of what they cost. Each row is looked up by
-- its key (the limits hold the planner to that): what is known of a table that has just begun to grow
-- leads to reading all of it.

create function airuns.count_added(
    of_user uuid, of_runs uuid[], of_heads uuid[], new_runs uuid[], new_messages uuid[], new_tasks uuid[]
) returns void language plpgsql as $$
begin
    with s as materialized (
        select g.run_id, g.head, m.messages, m.last_at, m.last_text, t.tasks, t.ended, t.counted, t.priced, t.tokens,
            t.spent, t.failed, t.last_id, t.last_status, t.last_word, t.failure
        from unnest(of_runs, of_heads) as g (run_id, head)
        left join (
            select a.run_id, count(*) as messages, max(a.created_at) as last_at,
                (array_agg(a.begins order by o.place desc) filter (where a.begins ~ '\S'))[1] as last_text
            from unnest(new_messages) with ordinality as o (id, place)
            cross join lateral (
                select x.run_id, left(x.content, 400) as begins, x.created_at
                from airuns.ai_messages as x
                where x.user_id = of_user and x.id = o.id and x.added is null
                limit 1
            ) as a
            group by a.run_id
        ) as m on m.run_id = g.run_id
        left join (
            select a.run_id, count(*) as tasks, count(a.completed_at) as ended, count(a.tokens_total) as counted,
                count(a.cost) as priced, sum(a.tokens_total) as tokens, sum(a.cost) as spent,
                bool_or(a.status in ('error', 'timeout')) as failed,
                (array_agg(a.task_id order by o.place desc))[1] as last_id,
                (array_agg(case when a.completed_at is null then 'pending' else a.status end order by o.place desc))[1]
                    as last_status,
                (array_agg(a.status order by o.place desc) filter (where a.status <> 'cancelled'))[1] as last_word,
                (array_agg(a.failure order by o.place desc))[1] as failure
            from unnest(new_tasks) with ordinality as o (id, place)
            cross join lateral (
                select x.run_id, x.task_id, x.status, x.completed_at, x.tokens_total, x.cost,
                    case when x.status in ('error', 'timeout') and x.response_text = ''
                        then x.response_errors ->> 'message' end as failure
                from airuns.ai_tasks as x
                where x.user_id = of_user and x.task_id = o.id and x.added
                limit 1
            ) as a
            group by a.run_id
        ) as t on t.run_id = g.run_id
    )
    update airuns.ai_runs as r
    set head_message_id = coalesce(s.head, r.head_message_id),
        message_count = r.message_count + coalesce(s.messages, 0),
        last_message_at = greatest(r.last_message_at, s.last_at),
        preview = coalesce(nullif(airuns.preview(coalesce(s.failure, s.last_text)), ''), r.preview),
        task_count = r.task_count + coalesce(s.tasks, 0),
        ended_task_count = r.ended_task_count + coalesce(s.ended, 0),
        counted_task_count = r.counted_task_count + coalesce(s.counted, 0),
        priced_task_count = r.priced_task_count + coalesce(s.priced, 0),
        total_tokens = case
            when r.counted_task_count + coalesce(s.counted, 0) > 0 or r.ended_task_count + coalesce(s.ended, 0) = 0
            then coalesce(r.total_tokens, 0) + coalesce(s.tokens, 0)
        end,
        total_cost = case
            when r.priced_task_count + coalesce(s.priced, 0) > 0 or r.ended_task_count + coalesce(s.ended, 0) = 0
            then coalesce(r.total_cost, 0) + coalesce(s.spent, 0)
        end,
        status = case
            when s.last_word in ('error', 'timeout') then 'error'
            when s.last_word in ('pending', 'streaming') then 'active'
            when s.last_word = 'completed' and (r.status = 'error' or s.failed) then 'active'
            else r.status
        end,
        last_task_id = coalesce(s.last_id, r.last_task_id),
        last_task_status = coalesce(s.last_status, r.last_task_status)
    from s
    where r.user_id = of_user and r.id = any (of_runs) and r.id = s.run_id;

    insert into airuns.usage_changes (user_id, run_id, at, tag, source_type, prompt_id, prompt_version, runs)
    select of_user, r.run_id, r.at, l.tag, r.source_type, r.prompt_id, r.prompt_version, 1
    from unnest(new_runs) as o (id)
    cross join lateral (
        select a.* from airuns.run_usage as a where a.user_id = of_user and a.run_id = o.id limit 1
    ) as r
    cross join lateral (select '' union select unnest(r.tags)) as l (tag);

    insert into airuns.usage_changes (user_id, run_id, at, tag,
        source_type, prompt_id, prompt_version, provider, model, key_id, status, error_code,
        runs, tasks, failed, counted, priced, estimated, tokens_input, tokens_output, tokens_total, tokens_cache_read,
        tokens_cache_write_5m, tokens_cache_write_1h, tokens_reasoning, generated_tokens, generated_us,
        first_token_tasks, first_token_us, total_time_tasks, total_time_us, cost, first_token_histogram,
        total_time_histogram)
    select u.user_id, u.run_id, u.at, l.tag,
        u.source_type, u.prompt_id, u.prompt_version, u.provider, u.model, u.key_id, u.status, u.error_code,
        sum(u.runs), sum(u.tasks), sum(u.failed), sum(u.counted), sum(u.priced), sum(u.estimated),
        sum(u.tokens_input), sum(u.tokens_output), sum(u.tokens_total), sum(u.tokens_cache_read),
        sum(u.tokens_cache_write_5m), sum(u.tokens_cache_write_1h), sum(u.tokens_reasoning), sum(u.generated_tokens),
        sum(u.generated_us), sum(u.first_token_tasks), sum(u.first_token_us), sum(u.total_time_tasks),
        sum(u.total_time_us), sum(u.cost), sum(u.first_token_histogram), sum(u.total_time_histogram)
    from unnest(new_tasks) as o (id)
    cross join lateral (
        select a.* from airuns.task_usage as a where a.user_id = of_user and a.task_id = o.id limit 1
    ) as u
    cross join lateral (
        select a.tags from airuns.ai_runs as a where a.user_id = of_user and a.id = u.run_id limit 1
    ) as r
    cross join lateral (select '' union select unnest(r.tags)) as l (tag)
    group by u.user_id, u.run_id, u.at, l.tag,
        u.source_type, u.prompt_id, u.prompt_version, u.provider, u.model, u.key_id, u.status, u.error_code;

    insert into airuns.search_queue (user_id, run_id)
    select of_user, o.id from unnest(new_runs) as o (id);
    insert into airuns.search_queue (user_id, run_id, message_id)
    select of_user, m.run_id, o.id
    from unnest(new_messages) as o (id)
    cross join lateral (
        select a.run_id from airuns.ai_messages as a where a.user_id = of_user and a.id = o.id and a.content <> '' limit 1
    ) as m;
end
$$;
comment on function airuns.count_added(uuid, uuid[], uuid[], uuid[], uuid[], uuid[]) is 'Counts what was added in a batch (see ai_runs.added), in its order: the runs'' counts, totals and heads (null: as it is), the usage, and what waits to be indexed. To be called once, by the transaction that added them.';

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
