"""Runs, their messages, and tasks."""

from typing import Literal, Unpack

from airuns.client import bodies_runs as bodies
from airuns.client import bodies_store as stored
from airuns.client import results_runs as results
from airuns.client import results_store as found
from airuns.client.endpoints import C, Call, Id, Page, Resource, call, endpoint, listing, streamed
from airuns.client.following import Event, Result

Format = Literal["text", "markdown", "json", "csv", "tasks-csv", "jsonl", "pdf"]


class Runs(Resource[C]):
    """Runs: to start them, find them and change them."""

    @endpoint
    def execute(self, **asked: Unpack[bodies.Execute]) -> Call[Result]:
        """Run a prompt (`prompt_id`, `variables`) or `messages`; return the result at its end."""
        return call(Result, "POST", "/api/prompt/run", body={**asked, "stream": False})

    @streamed
    def follow(self, **asked: Unpack[bodies.Execute]) -> Call[Event]:
        """Run a prompt or `messages`; yield events as they happen. A broken connection heals."""
        body = {**asked, "stream": True}
        return call(Event, "POST", "/api/prompt/run", body=body, shape="events")

    @endpoint
    def create(self, **run: Unpack[bodies.CreateRun]) -> Call[results.RunView]:
        """Begin a run; sending the same `id` again changes nothing."""
        return call(results.RunView, "POST", "/api/runs", body=run)

    @listing
    def list(self, **query: Unpack[bodies.ListRunsQuery]) -> Call[Page[results.RunRow]]:
        """List runs."""
        return call(Page[results.RunRow], "GET", "/api/runs", params=query)

    @endpoint
    def get(self, run_id: Id, **query: Unpack[bodies.GetRunQuery]) -> Call[results.RunView]:
        """Return a run with the end of its current line."""
        return call(results.RunView, "GET", "/api/runs/{}", run_id, params=query)

    @endpoint
    def change(self, run_id: Id, **change: Unpack[bodies.ChangeRun]) -> Call[results.RunView]:
        """Change a run's name, tags, star, …"""
        return call(results.RunView, "PATCH", "/api/runs/{}", run_id, body=change)

    @endpoint
    def delete(self, run_id: Id, **query: Unpack[bodies.DeleteRunQuery]) -> Call[None]:
        """Put a run into the trash; with `purge` remove it for good."""
        return call(type(None), "DELETE", "/api/runs/{}", run_id, params=query)

    @endpoint
    def restore(self, run_id: Id) -> Call[results.RunView]:
        """Take a run out of the trash."""
        return call(results.RunView, "POST", "/api/runs/{}/restore", run_id)

    @endpoint
    def fork(self, run_id: Id, **fork: Unpack[bodies.ForkRun]) -> Call[results.RunView]:
        """Begin a run with a line of another one."""
        return call(results.RunView, "POST", "/api/runs/{}/fork", run_id, body=fork)

    @endpoint
    def search(self, **query: Unpack[stored.SearchRunsQuery]) -> Call[found.Found]:
        """Find runs by their messages, names and tags (`q`)."""
        return call(found.Found, "GET", "/api/search", params=query)

    @endpoint
    def totals(self, **query: Unpack[bodies.TotalRunsQuery]) -> Call[results.Totals]:
        """Sum up all runs that a list has."""
        return call(results.Totals, "GET", "/api/runs/totals", params=query)

    @endpoint
    def tags(self) -> Call[results.InUse]:
        """Return the tags of runs, most used first."""
        return call(results.InUse, "GET", "/api/runs/tags")

    @endpoint
    def models(self) -> Call[results.InUse]:
        """Return the models that runs use, most used first."""
        return call(results.InUse, "GET", "/api/runs/models")

    @endpoint
    def change_many(self, **change: Unpack[bodies.ChangeRuns]) -> Call[results.Change]:
        """Star, archive, delete, tag, … the runs of `ids`, or all that `filter` matches."""
        return call(results.Change, "POST", "/api/runs/changes", body=change)

    @endpoint
    def undo(self, change_id: Id) -> Call[results.Change]:
        """Put exactly those runs back that a change of many has changed."""
        return call(results.Change, "POST", "/api/runs/changes/{}/undo", change_id)

    @streamed
    def export(self, run_id: Id, **query: Unpack[stored.ExportRunQuery]) -> Call[bytes]:
        """Yield a run as a file (`format`), piece by piece."""
        return call(bytes, "GET", "/api/runs/{}/export", run_id, params=query, shape="bytes")


class Messages(Resource[C]):
    """The messages of runs."""

    @endpoint
    def list(self, run_id: Id, **query: Unpack[bodies.ListMessagesQuery]) -> Call[results.Line]:
        """Return the last messages of a line, in order; `before` asks for those before one."""
        return call(results.Line, "GET", "/api/runs/{}/messages", run_id, params=query)

    @endpoint
    def add(self, run_id: Id, **message: Unpack[bodies.AddMessage]) -> Call[results.MessageView]:
        """Add a message below `parent_id`, else at the run's end."""
        return call(results.MessageView, "POST", "/api/runs/{}/messages", run_id, body=message)


class Tasks(Resource[C]):
    """Requests to models: the server's own, and those that a program makes and tells of."""

    @endpoint
    def create(self, **task: Unpack[bodies.CreateTask]) -> Call[results.Task]:
        """Tell of a model call that the program makes itself."""
        return call(results.Task, "POST", "/api/tasks", body=task)

    @listing
    def list(self, **query: Unpack[bodies.ListTasksQuery]) -> Call[Page[results.TaskRow]]:
        """List tasks, newest first."""
        return call(Page[results.TaskRow], "GET", "/api/tasks", params=query)

    @endpoint
    def get(self, task_id: Id) -> Call[results.Task]:
        """Return a task; of a running one, what has come until now."""
        return call(results.Task, "GET", "/api/tasks/{}", task_id)

    @endpoint
    def request(self, task_id: Id) -> Call[bytes]:
        """Return the whole request of a task as JSON, the same bytes each time."""
        return call(bytes, "GET", "/api/tasks/{}/request", task_id)

    @endpoint
    def update(self, task_id: Id, **task: Unpack[bodies.UpdateTask]) -> Call[results.Task]:
        """Tell how far a model call of one's own has come."""
        return call(results.Task, "PATCH", "/api/tasks/{}", task_id, body=task)

    @endpoint
    def complete(self, task_id: Id, **end: Unpack[bodies.CompleteTask]) -> Call[results.Task]:
        """Tell how a model call of one's own ended."""
        return call(results.Task, "POST", "/api/tasks/{}/complete", task_id, body=end)

    @streamed
    def events(self, task_id: Id, **query: Unpack[bodies.TaskEventsQuery]) -> Call[Event]:
        """Yield a task's events from the start, or from `offset` on. A broken connection heals."""
        path = "/api/tasks/{}/events"
        return call(Event, "GET", path, task_id, params=query, shape="events")

    @endpoint
    def cancel(self, task_id: Id) -> Call[Result]:
        """Stop a task of the server's; what came stays."""
        return call(Result, "POST", "/api/tasks/{}/cancel", task_id)

    @endpoint
    def retry(self, of_task: Id, /, **retry: Unpack[bodies.RetryTask]) -> Call[Result]:
        """Send a task's request again as a new task; return the result at its end."""
        body = {**retry, "stream": False}
        return call(Result, "POST", "/api/tasks/{}/retry", of_task, body=body)
