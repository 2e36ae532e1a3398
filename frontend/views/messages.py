"""Messages for visitors: what failed, and what to do. Details for the operator are separate."""

from dataclasses import dataclass

from frontend.api.errors import (
    ApiError,
    NotAPicture,
    NotReady,
    RateLimited,
    TimedOut,
    TokenRejected,
    TooLarge,
    UnexpectedResponse,
    Unreachable,
    WrongCredentials,
)
from frontend.images import UnusablePicture
from frontend.settings import NotConfigured

PageError = ApiError | UnusablePicture | NotConfigured

_LONG_WAIT_S = 30  # an API that suggests to wait longer needs its operator
_TELL_OPERATOR = "Please tell the operator of this page."


@dataclass(frozen=True, slots=True)
class Message:
    """A message for an error.

    Attributes:
        title: what failed.
        text: what to do, for visitors.
        operator: details, and what to do, for the operator; may contain addresses and settings.
        points: problems to fix, as a list.
        retry: whether trying again can help.
        temporary: whether the condition is expected to end by itself.
    """

    title: str
    text: str
    operator: str = ""
    points: tuple[str, ...] = ()
    retry: bool = False
    temporary: bool = False


def message_for(error: PageError) -> Message:
    """Return the message for an error."""
    match error:
        case NotConfigured():
            return Message(
                "This page is not configured",
                "Set API_URL, API_USERNAME and API_PASSWORD in the environment, in Streamlit's "
                "secrets, or in a .env file in the folder where the page is started.",
                points=error.problems,
            )
        case TooLarge():
            return Message("This photo is too large", str(error))
        case NotAPicture() | UnusablePicture():
            return Message("This photo cannot be used", str(error))
        case WrongCredentials():
            return _credentials(error)
        case UnexpectedResponse():
            return Message(
                "The service responded in an unexpected way",
                _TELL_OPERATOR,
                f"{error} Another server may run there. Check that API_URL is the address of the "
                "API.",
            )
        case _:
            return _passing(error)


def _passing(error: ApiError) -> Message:
    """Return the message for an error after which the same request may succeed."""
    match error:
        case TimedOut():
            return Message(
                "The service did not respond in time",
                "It may be starting or busy. Try again in a moment.",
                str(error),
                retry=True,
                temporary=True,
            )
        case Unreachable():
            return Message(
                "The service cannot be reached",
                "This page checks again automatically.",
                f"{error} Check that it is running and that API_URL is its address.",
                retry=True,
            )
        case RateLimited():
            return Message(
                "Too many requests",
                f"Try again in {_delay(error)}.",
                str(error),
                retry=True,
                temporary=True,
            )
        case NotReady():
            return Message(
                "The service is not ready",
                "This page checks again automatically.",
                f"{error} Suggested wait: {_delay(error)}.",
                retry=True,
                temporary=(error.retry_after_s or 0) < _LONG_WAIT_S,
            )
        case _:
            return Message("The service failed", "Try again in a moment.", str(error), retry=True)


def _credentials(error: WrongCredentials) -> Message:
    if isinstance(error, TokenRejected):
        return Message(
            "The service rejected your login",
            "It may have expired: log out and log in again. If that does not help, please tell the "
            "operator of this page.",
            str(error),
        )
    return Message(
        "This page cannot sign in to the service",
        _TELL_OPERATOR,
        f"{error} API_USERNAME and API_PASSWORD of this page must match the settings of the API.",
    )


def _delay(error: ApiError) -> str:
    return f"{error.retry_after_s} s" if error.retry_after_s else "a moment"
