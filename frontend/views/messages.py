"""Errors in plain words: what happened, and what the person in front of the page can do."""

from dataclasses import dataclass

from frontend.api.errors import (
    ApiError,
    NotAPicture,
    NotReady,
    RateLimited,
    TimedOut,
    TooLarge,
    UnexpectedAnswer,
    Unreachable,
    WrongCredentials,
)
from frontend.images import UnusablePicture
from frontend.settings import NotConfigured

Tellable = ApiError | UnusablePicture | NotConfigured


@dataclass(frozen=True, slots=True)
class Message:
    """What to tell.

    Attributes:
        title: what happened.
        text: more about it, and what to do.
        points: what is to be put right, one by one.
        retry: whether trying again, without changing anything, can help.
        passing: whether it is no fault, and passes by itself.
    """

    title: str
    text: str
    points: tuple[str, ...] = ()
    retry: bool = False
    passing: bool = False


def explain(error: Tellable) -> Message:
    """Put an error into words for the person who uses the page."""
    match error:
        case NotConfigured():
            return Message(
                "The page is not configured yet",
                "Set API_URL, API_USERNAME and API_PASSWORD in the environment, in Streamlit's "
                "secrets, or in a file named .env in the folder where the page is started.",
                points=error.problems,
            )
        case TimedOut():
            return Message(
                "The API takes too long",
                f"{error} It may be starting up or busy. Try again in a moment.",
                retry=True,
                passing=True,
            )
        case Unreachable():
            return Message(
                "The API cannot be reached",
                f"{error} Is it running, and is API_URL its address?",
                retry=True,
            )
        case UnexpectedAnswer():
            return Message(
                "This does not look like the API", f"{error} Check that API_URL is its address."
            )
        case WrongCredentials():
            return Message(
                "The API does not accept the credentials",
                "API_USERNAME and API_PASSWORD of this page must be the same as the API's.",
            )
        case RateLimited():
            return Message(
                "The API asks to wait",
                f"{error} Try again {_when(error)}.",
                retry=True,
                passing=True,
            )
        case NotReady():
            return Message(
                "The model is not ready",
                f"{error} This page looks again by itself; the API asks to wait {_wait(error)}.",
                retry=True,
                passing=True,
            )
        case TooLarge():
            return Message("The picture is too large", str(error))
        case NotAPicture() | UnusablePicture():
            return Message("This picture cannot be used", str(error))
        case _:
            return Message(
                "Something went wrong in the API",
                f"{error} Try again in a moment.",
                retry=True,
            )


def _wait(error: ApiError) -> str:
    return f"{error.retry_after_s} s" if error.retry_after_s else "a moment"


def _when(error: ApiError) -> str:
    return f"in {error.retry_after_s} s" if error.retry_after_s else "in a moment"
