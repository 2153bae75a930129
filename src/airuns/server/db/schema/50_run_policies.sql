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
