"""Messages for visitors: what failed, and what to do."""

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


@dataclass(frozen=True, slots=True)
class Message:
    """A message for an error.

    Attributes:
        title: what failed.
        text: details, and what to do.
        points: problems to fix, as a list.
        retry: whether trying again can help.
        temporary: whether the condition is expected to end by itself.
    """

    title: str
    text: str
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
        case TimedOut():
            return Message(
                "The service did not respond in time",
                f"{error} It may be starting or busy. Try again in a moment.",
                retry=True,
                temporary=True,
            )
        case Unreachable():
            return Message(
                "The service cannot be reached",
                f"{error} Check that it is running and that API_URL is its address.",
                retry=True,
            )
        case UnexpectedResponse():
            return Message(
                "Another server runs at this address",
                f"{error} Check that API_URL is the address of the API.",
            )
        case WrongCredentials():
            return _credentials(error)
        case RateLimited():
            return Message(
                "Too many requests",
                f"{error} Try again in {_delay(error)}.",
                retry=True,
                temporary=True,
            )
        case NotReady():
            return Message(
                "The model is not ready",
                f"{error} This page checks again automatically. Suggested wait: {_delay(error)}.",
                retry=True,
                temporary=True,
            )
        case TooLarge():
            return Message("This photo is too large", str(error))
        case NotAPicture() | UnusablePicture():
            return Message("This photo cannot be used", str(error))
        case _:
            return Message(
                "The service failed",
                f"{error} Try again in a moment.",
                retry=True,
            )


def _credentials(error: WrongCredentials) -> Message:
    if isinstance(error, TokenRejected):
        return Message(
            "The service rejected your login",
            "It may have expired: log out and log in again. If that does not help, please tell the "
            "operator of this page.",
        )
    return Message(
        "This page cannot sign in to the service",
        "API_USERNAME and API_PASSWORD of this page must match the settings of the API. If you are "
        "a visitor, please tell the operator of this page.",
    )


def _delay(error: ApiError) -> str:
    return f"{error.retry_after_s} s" if error.retry_after_s else "a moment"
