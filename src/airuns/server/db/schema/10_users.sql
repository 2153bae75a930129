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
