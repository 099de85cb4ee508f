"""The errors a caller may cause; anything else is our bug."""

from collections.abc import Callable


class DomainError(Exception):
    """A rule of the business was broken; the message is safe to show.

    `code` is stable and documented; `facts` are the figures behind the refusal (the limit, the
    measured value), as strings, and never personal data.

    `write_down` records the failure itself.  Whoever undoes a transaction because of the error
    calls it afterwards, so that the record stays though the command left nothing.
    """

    code = "domain_error"
    write_down: Callable[[], object] | None = None

    def __init__(self, message: str, *, code: str = "", **facts: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.facts = facts


class InvalidInput(DomainError):
    """A value that no object of the domain can hold; `field` in the facts names it."""

    code = "invalid_input"


class NotFound(DomainError):
    """There is no such object, or it is not yours: the two look the same."""

    code = "not_found"


class NotPermitted(DomainError):
    code = "not_permitted"


class Conflict(DomainError):
    """The object is not in a state in which this can happen."""

    code = "conflict"


class Stale(Conflict):
    """The object has changed since the caller read it."""

    code = "stale"


class IllegalTransition(Conflict):
    code = "illegal_transition"


class Refused(DomainError):
    """A check stopped the command; `code` names the check."""

    code = "refused"


class Unavailable(DomainError):
    """Something that the command needs does not answer now; trying again later may work."""

    code = "unavailable"
