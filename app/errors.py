"""Everything that can go wrong on purpose.

ObservatoryError
├── InputRefused                what the caller gave is wrong
│   ├── RefusedFile             an uploaded file cannot be read or understood as a whole
│   ├── InvalidParameter        a request parameter is malformed or unknown
│   └── MappingInvalid          a mapping file does not say what it must
├── NotFound                    no such collection, item, region, tile or dataset
├── Unauthenticated             it needs an account, or the key or token sent is not valid
├── Forbidden                   the account or its key may not do this
├── Conflict                    it contradicts what is stored already, or its state
├── TooManyRequests             one client asks more often than the documented limit
├── TooLarge                    a request or file is over the documented limit
├── UnsupportedMediaType        the body is of a type that is not taken here
├── Busy                        the answer would take longer than a request may
└── SetupFault                  this machine or configuration cannot run the service
    ├── DatabaseUnavailable     the database cannot be started or reached
    └── InstanceRunning         another process owns the data folder

The message is written for the person who made the request or runs the service.
`app/routers/problems.py` maps each class to a status; the command line prints the message.
"""


class ObservatoryError(Exception):
    """Something the service foresaw and can explain."""


class InputRefused(ObservatoryError):
    """What the caller gave is wrong: names the code, and where known the file, row, column and a repair."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
        value: str | None = None,
        suggestion: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.file = file
        self.row = row
        self.column = column
        self.value = value
        self.suggestion = suggestion

    def __str__(self) -> str:
        place = ", ".join(
            f"{name} {value}"
            for name, value in (("file", self.file), ("row", self.row), ("column", self.column))
            if value is not None
        )
        hint = f" {self.suggestion}" if self.suggestion else ""
        return f"{self.code}: {self.message}{f' ({place})' if place else ''}{hint}"


class RefusedFile(InputRefused):
    """A file that cannot be read or understood as a whole; nothing of it is stored."""


class MappingInvalid(InputRefused):
    """A mapping file does not say what it must."""


class InvalidParameter(InputRefused):
    """A request parameter is malformed, out of range or unknown."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message, code="invalid-parameter", column=parameter)
        self.parameter = parameter


class NotFound(ObservatoryError):
    """No such collection, item, region, tile or dataset."""


class Unauthenticated(ObservatoryError):
    """It needs an account, or the key or token that was sent is not valid. The message never repeats a credential."""

    def __init__(self, message: str, *, invalid: bool = False) -> None:
        super().__init__(message)
        self.invalid = invalid
        """A credential was sent, and it is not valid."""


class Forbidden(ObservatoryError):
    """The account, or the key that was used, may not do this."""


class Conflict(ObservatoryError):
    """The request contradicts what is stored already, or the state it is in."""


class TooManyRequests(ObservatoryError):
    """One client asks more often than the documented limit; `retry_after_s` says when to come back [s]."""

    def __init__(self, message: str, *, retry_after_s: int = 60) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooLarge(ObservatoryError):
    """A request or file is over the documented limit."""


class UnsupportedMediaType(ObservatoryError):
    """The body of a request is of a type that is not taken here."""


class Busy(ObservatoryError):
    """The answer would take longer than a request may."""


class SetupFault(ObservatoryError):
    """This machine or configuration cannot run the service."""


class DatabaseUnavailable(SetupFault):
    """The database cannot be started or reached."""


class InstanceRunning(SetupFault):
    """Another process owns the data folder."""
