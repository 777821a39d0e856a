"""The one error that a command shows: a line that says what is wrong and what to do."""


class ClientError(Exception):
    """A command cannot go on. `str(error)` is one line for a person; `status` the HTTP status, where there was one."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(" ".join(message.split()))
        self.status = status
