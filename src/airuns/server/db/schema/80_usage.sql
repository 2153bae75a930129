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
