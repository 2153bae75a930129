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
