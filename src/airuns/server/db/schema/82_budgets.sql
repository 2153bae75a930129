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
