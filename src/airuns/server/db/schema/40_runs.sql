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
