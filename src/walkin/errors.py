"""The one exception a user is meant to read: what is wrong and what to do, in one line."""


class WalkinError(Exception):
    """A fault of the input or the machine, never of walkin; shown as one line without a traceback.

    `code` is the exit code of the command line: 2 for usage, 1 otherwise.
    """

    def __init__(self, message: str, *, code: int = 1):
        super().__init__(message)
        self.code = code


class Cancelled(Exception):
    """Raised inside a job, at the next point where it can stop, once nobody wants its results."""
