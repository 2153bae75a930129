"""Prompts to begin with: each shows something that templates can do."""

from airuns.server.prompts.rules import Variable
from airuns.server.prompts.store import Content, Label

Example = tuple[Label, Content]

EXAMPLES: dict[str, Example] = {
    "summary": (
        Label(name="Meeting notes to decisions", description="What was decided, by whom, by when"),
        Content(
            messages=[
                {
                    "role": "system",
                    "content": "You turn meeting notes into decisions. Use only what the notes "
                    "say. Answer in {{language}}.",
                },
                {
                    "role": "user",
                    "content": "List every decision with its owner and its date, then every open "
                    "question.\n\nNotes:\n{{notes}}",
                },
            ],
            variables=[
                Variable(name="language", default="English", description="Of the answer"),
                Variable(name="notes", description="As they were written"),
            ],
            settings={"temperature": 0.2},
        ),
    ),
    "review": (
        Label(name="Code review", description="Finds what would break, and says how to show it"),
        Content(
            messages=[
                {
                    "role": "system",
                    "content": "You review code as a careful colleague. Name only what is wrong or "
                    "will break, worst first, each with a way to show it. Praise nothing.",
                },
                {"role": "user", "content": "{{diff}}\n\nWhat matters here: {{focus}}"},
            ],
            variables=[
                Variable(name="diff", description="As git diff prints it"),
                Variable(name="focus", default="correctness", required=False),
            ],
            settings={"temperature": 0},
        ),
    ),
    "reply": (
        Label(name="Reply to a customer", description="In the tone of the answers given before"),
        Content(
            messages=[
                {"role": "system", "content": "You answer customers of {{company}}: {{tone}}."},
                {"role": "user", "content": "My invoice is wrong."},
                {
                    "role": "assistant",
                    "content": "I am sorry about that. Which invoice is it, and which line of it?",
                },
                {"role": "user", "content": "{{message}}"},
            ],
            variables=[
                Variable(name="company", description="As customers know it"),
                Variable(name="tone", default="short, warm, without promises"),
                Variable(name="message", description="What the customer wrote"),
            ],
            settings={"temperature": 0.5},
        ),
    ),
}
