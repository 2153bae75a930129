"""Everything that AI Runs raises on purpose.

    AirunsError
    ├── InvalidInput          422  a field is missing, malformed or out of range
    │   └── Malformed         400  the body is not the JSON it claims to be
    ├── Unauthenticated       401  no session or key, or one that is not valid
    ├── Forbidden             403  signed in, but this is not allowed
    ├── NotFound              404  no such thing, or another user's
    ├── Conflict              409  the thing is not in a state that allows this
    ├── TooLarge              413  over a stated limit
    ├── TooManyRequests       429  over a stated rate
    │   └── BudgetSpent       429  a budget of the user's own is used up
    ├── Unavailable           503  the database or a part of the server is away
    └── StartError                 the server cannot start; said on the terminal

A class's docstring is its public title; the message passed to it says what was wrong here and how
to mend it. `field` names the input that is at fault, as a path (`messages[2].role`).
"""


class AirunsError(Exception):
    """Something went wrong in AI Runs"""

    status = 500
    code = "internal_error"

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field

    @property
    def title(self) -> str:
        return (type(self).__doc__ or "").strip()


class InvalidInput(AirunsError):
    """The request has a field that cannot be used"""

    status = 422
    code = "invalid_input"


class Malformed(InvalidInput):
    """The request could not be read"""

    status = 400
    code = "malformed"


class Unauthenticated(AirunsError):
    """Sign in first"""

    status = 401
    code = "unauthenticated"


class Forbidden(AirunsError):
    """This is not allowed"""

    status = 403
    code = "forbidden"


class NotFound(AirunsError):
    """There is no such thing"""

    status = 404
    code = "not_found"


class Conflict(AirunsError):
    """The thing is not in a state that allows this"""

    status = 409
    code = "conflict"


class TooLarge(AirunsError):
    """The request is over a limit"""

    status = 413
    code = "too_large"


class TooManyRequests(AirunsError):
    """Too many requests"""

    status = 429
    code = "too_many_requests"

    def __init__(self, detail: str, *, retry_after: float) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class BudgetSpent(TooManyRequests):
    """A budget is used up"""

    code = "budget_spent"


class Unavailable(AirunsError):
    """A part of the server is away for the moment"""

    status = 503
    code = "unavailable"


class StartError(AirunsError):
    """AI Runs cannot start"""

    code = "cannot_start"
