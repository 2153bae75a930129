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
    new.updated_at := now();
    return new;
end
$$;
comment on function airuns.touch() is 'Keeps updated_at.';

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
grant select, insert, update on airuns.users to airuns_service;
create policy "users see themselves" on airuns.users for select to airuns_app
    using (id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users change themselves" on airuns.users for update to airuns_app
    using (id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write())
    with check (id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
create policy "sign-in sees users" on airuns.users for select to airuns_service using (true);
create policy "sign-in adds users" on airuns.users for insert to airuns_service with check (true);
create policy "sign-in changes users" on airuns.users for update to airuns_service using (true) with check (true);
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
    primary key (user_id, id),
    unique (key_hash)
);
comment on table airuns.api_keys is 'Reference table: keys of programs. A key itself is shown once and never stored.';
comment on column airuns.api_keys.prefix is 'The first characters of the key, by which its user knows it again.';
comment on column airuns.api_keys.key_hash is 'SHA-256 of the key; a key has 256 random bits, so no slow hash is needed.';

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
    added integer not null default 1 check (added >= 0),
    created_at timestamptz not null default now(),
    primary key (user_id, id),
    unique (user_id, run_id, id),
    check ((parent_id is null) = (depth = 0)),
    foreign key (user_id, run_id) references airuns.ai_runs (user_id, id) on delete cascade,
    foreign key (user_id, run_id, parent_id) references airuns.ai_messages (user_id, run_id, id) on delete cascade
);
comment on table airuns.ai_messages is 'Turns of a run, as a tree: each names its parent. Rows are added, never changed, and go only with their run.';
comment on column airuns.ai_messages.content is 'The text of the message.';
comment on column airuns.ai_messages.data is 'The whole message as it was sent, where it is more than a role and a text (parts, tool calls, names); json keeps its bytes.';
comment on column airuns.ai_messages.chain_hash is 'SHA-256 over the parent''s chain hash, the role and the content: equal hashes are equal conversations.';
comment on column airuns.ai_messages.added is 'What the row adds to the run''s message_count: of many rows added at once the last counts for all, so that the run''s row changes once and not once a message.';
comment on column airuns.ai_messages.task_id is 'The task whose answer this is.';

create index messages_by_parent on airuns.ai_messages (user_id, run_id, parent_id, id);
create index messages_by_chain on airuns.ai_messages (user_id, chain_hash);

alter table airuns.ai_runs add foreign key (user_id, id, head_message_id)
    references airuns.ai_messages (user_id, run_id, id);
create index runs_by_head on airuns.ai_runs (user_id, id, head_message_id) where head_message_id is not null;

create table airuns.ai_tasks (
    user_id uuid not null,
    task_id uuid not null,
    run_id uuid not null,
    prompt_id uuid,
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
grant select, insert on airuns.ai_messages to airuns_app;
create policy "users see their messages" on airuns.ai_messages for select to airuns_app
    using (user_id = airuns.current_user_id() and case when airuns.current_run_id() is null then true else run_id = airuns.current_run_id() end);
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
grant select, insert, update (undone_at) on airuns.run_changes to airuns_app;
create policy "users see their run changes" on airuns.run_changes for select to airuns_app
    using (user_id = airuns.current_user_id() and airuns.current_run_id() is null);
create policy "users add their run changes" on airuns.run_changes for insert to airuns_app
    with check (user_id = airuns.current_user_id() and airuns.current_run_id() is null and airuns.may_write());
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

create function airuns.inherit_prompt() returns trigger language plpgsql as $$
begin
    new.prompt_id := (
        select r.prompt_id from airuns.ai_runs as r where r.user_id = new.user_id and r.id = new.run_id);
    return new;
end
$$;
comment on function airuns.inherit_prompt() is 'Gives a task the prompt of its run.';
create trigger inherit_prompt before insert on airuns.ai_tasks
    for each row execute function airuns.inherit_prompt();

create function airuns.preview(of_text text) returns text language plpgsql immutable as $$
begin
    return rtrim(left(ltrim(regexp_replace(left(of_text, 2000), '\s+', ' ', 'g')), 160));
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
    for each row execute function airuns.sum_task();
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
