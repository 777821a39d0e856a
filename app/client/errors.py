"""The one error that a command shows: a line that says what is wrong and what to do."""


class ClientError(Exception):
    """A command cannot go on. `str(error)` is one line for a person; `status` the HTTP status, where there was one.

    `passing` says that the same may work later; `retry_after` after how many seconds, where the service named them.
    """

    def __init__(
        self,
        message: str,
        status: int | None = None,
        *,
        passing: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(" ".join(message.split()))
        self.status = status
        self.passing = passing
        self.retry_after = retry_after
