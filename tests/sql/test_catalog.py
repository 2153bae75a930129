"""Rules that every object of the schema keeps: a query each, which must return no rows.

The habit is splinter's. Each rule is also shown an object that breaks it, so that none is blind.
"""

from typing import LiteralString, cast

import pytest
from psycopg import Connection

from airuns.server.db import queries
from tests.sql.conftest import Row

SQL = queries.load(__package__ or "")
RULES = sorted(SQL.keys() - {"tables", "grants"})

RUN_TABLE = """
    create table airuns.bad (user_id uuid not null, id uuid not null, run_id uuid, note text,
        primary key (user_id, id));
    comment on table airuns.bad is 'For a test.';
    alter table airuns.bad enable row level security;
    alter table airuns.bad force row level security;"""

OFFENDERS: list[tuple[str, LiteralString]] = [
    (
        "tables_force_row_level_security",
        RUN_TABLE + "alter table airuns.bad no force row level security",
    ),
    (
        "tables_force_row_level_security",
        RUN_TABLE + "alter table airuns.bad disable row level security",
    ),
    ("tables_and_views_have_comments", RUN_TABLE + "comment on table airuns.bad is null"),
    ("tables_and_views_have_comments", "create view airuns.bad as select 1 as one"),
    (
        "keys_start_with_the_user",
        RUN_TABLE + "alter table airuns.bad add unique (id, user_id)",
    ),
    (
        "keys_start_with_the_user",
        RUN_TABLE + "create unique index on airuns.bad (lower(note))",
    ),
    (
        "foreign_keys_start_with_the_user",
        RUN_TABLE + "alter table airuns.bad add foreign key (run_id) references airuns.users (id)",
    ),
    (
        "foreign_keys_are_immediate",
        RUN_TABLE
        + """alter table airuns.bad add foreign key (user_id, run_id)
            references airuns.ai_runs (user_id, id) deferrable""",
    ),
    (
        "foreign_keys_are_immediate",
        RUN_TABLE
        + """alter table airuns.bad add foreign key (user_id, run_id)
            references airuns.ai_runs (user_id, id) on delete set null""",
    ),
    (
        "foreign_keys_are_indexed",
        RUN_TABLE
        + """alter table airuns.bad add foreign key (user_id, run_id)
            references airuns.ai_runs (user_id, id);
        create index on airuns.bad (user_id, run_id) where note = ''""",
    ),
    *(
        ("policies_have_the_one_form", RUN_TABLE + "create policy p on airuns.bad " + policy)
        for policy in (
            "for select to airuns_app using (user_id = airuns.current_user_id())",
            "for select to airuns_app using (true)",
            "for select to public using (true)",
            "for all to airuns_service using (true)",
            "as restrictive for select to airuns_service using (true)",
            "for delete to airuns_app using (user_id = airuns.current_user_id()"
            " and (airuns.current_run_id() is null or run_id = airuns.current_run_id()))",
            "for update to airuns_app using (user_id = airuns.current_user_id()"
            " and (airuns.current_run_id() is null or run_id = airuns.current_run_id())"
            " and airuns.may_write())",
            "for insert to airuns_app with check (user_id = airuns.current_user_id()"
            " and airuns.current_run_id() is null and airuns.may_write())",
            "for select to airuns_app using (exists (select from airuns.users))",
        )
    ),
    (
        "functions_in_policies_are_inlined",
        "alter function airuns.current_user_id() volatile",
    ),
    (
        "functions_in_policies_are_inlined",
        "alter function airuns.may_write() set search_path = ''",
    ),
    (
        "functions_in_policies_are_inlined",
        RUN_TABLE
        + """create function airuns.bad() returns boolean language sql volatile return true;
        create policy p on airuns.bad for select to airuns_app using (airuns.bad())""",
    ),
    (
        "definer_functions_are_closed",
        """create function airuns.bad() returns integer language plpgsql security definer
            as 'begin return 1; end';
        revoke execute on function airuns.bad() from public""",
    ),
    (
        "definer_functions_are_closed",
        """create function airuns.bad() returns integer language plpgsql security definer
            set search_path = '' as 'begin return 1; end'""",
    ),
    (
        "functions_with_parameters_are_plpgsql",
        "create function airuns.bad(a integer) returns integer language sql return a",
    ),
    (
        "functions_suit_a_cluster",
        """create function airuns.bad() returns trigger language plpgsql as
            'begin perform pg_notify(''a'', ''b''); return null; end'""",
    ),
    (
        "triggers_are_row_triggers",
        RUN_TABLE
        + """create trigger bad after insert on airuns.bad
            for each statement execute function airuns.touch()""",
    ),
    (
        "updated_at_is_kept",
        RUN_TABLE + "alter table airuns.bad add column updated_at timestamptz not null",
    ),
    ("views_are_security_invoker", "create view airuns.bad as select 1 as one"),
    (
        "roles_are_powerless",
        "grant create on schema airuns to airuns_app; set local role airuns_app;"
        " create table airuns.bad (); set local role airuns",
    ),
    (
        "roles_are_powerless",
        "grant create on schema airuns to airuns_service; set local role airuns_service;"
        " create function airuns.bad() returns integer language sql return 1;"
        " set local role airuns; revoke create on schema airuns from airuns_service",
    ),
]


@pytest.fixture
def catalog(owner: Connection[Row]) -> Connection[Row]:
    """A connection that has the view `tables`."""
    owner.execute(cast("LiteralString", SQL["tables"]))
    return owner


@pytest.mark.parametrize("rule", RULES)
def test_every_object_keeps_the_rule(catalog: Connection[Row], rule: str) -> None:
    assert catalog.execute(cast("LiteralString", SQL[rule])).fetchall() == []


@pytest.mark.parametrize(("rule", "offender"), OFFENDERS)
def test_the_rule_finds_an_object_that_breaks_it(
    catalog: Connection[Row], rule: str, offender: LiteralString
) -> None:
    catalog.execute(offender)
    assert catalog.execute(cast("LiteralString", SQL[rule])).fetchall()


def test_every_rule_has_an_offender() -> None:
    assert {rule for rule, _ in OFFENDERS} == set(RULES)


GRANTS = """\
ai_messages airuns_app insert select update(task_id)
ai_messages airuns_service select(content) select(created_at) select(id) select(role) select(run_id) select(user_id)
ai_models airuns_app delete insert select update
ai_runs airuns_app delete insert select update
ai_runs airuns_service select(description) select(id) select(last_message_at) select(name) select(tags) select(user_id)
ai_tasks airuns_app delete insert select update
ai_tasks airuns_service select update(response_text) update(status) update(updated_at)
api_keys airuns_app delete insert select update
api_keys airuns_service select update(last_used_at)
attachments airuns_app delete insert select update
budgets airuns_app delete insert select update
events_waiting airuns_app delete insert select
export_chunks airuns_app delete insert select
exports airuns_app delete insert select update
exports airuns_service delete select
login_failures airuns_service delete insert select
model_aliases airuns_app delete insert select update
model_providers airuns_app delete insert select update
prompt_run_history airuns_app select
prompt_runs_with_details airuns_app select
prompt_versions airuns_app delete insert select
prompts airuns_app delete insert select update
retention airuns_app delete insert select update
retention airuns_service select update(leased_until)
run_changes airuns_app delete insert select update(undone_at)
run_summaries airuns_app select
run_usage airuns_app select
search_buckets airuns_service insert select update
search_documents airuns_service delete insert select
search_queue airuns_app insert
search_queue airuns_service delete insert select
search_vocabulary airuns_service delete insert select
server_processes airuns_service delete insert select update
sessions airuns_app delete select
sessions airuns_service delete insert select update
sign_in_links airuns_service delete insert select update
task_analytics airuns_app select
task_usage airuns_app select
usage_by_hour airuns_app select
usage_changes airuns_app delete insert select
usage_changes airuns_service select
usage_hourly airuns_app delete insert select update
usage_parts_by_day airuns_app select
usage_parts_by_hour airuns_app select
usage_parts_by_month airuns_app select
usage_parts_daily airuns_app delete insert select update
usage_parts_due airuns_app select
usage_parts_hourly airuns_app delete insert select update
usage_parts_monthly airuns_app delete insert select update
usage_parts_unfolded airuns_app select
users airuns_app select update(display_name) update(password_hash)
users airuns_service delete insert select update
"""  # noqa: E501  # a grant a line


def test_grants_are_these_and_no_more(catalog: Connection[Row]) -> None:
    assert [
        row["line"] for row in catalog.execute(cast("LiteralString", SQL["grants"]))
    ] == GRANTS.splitlines()
