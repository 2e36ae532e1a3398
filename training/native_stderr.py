"""Standard error of native libraries, without the start-up messages of TensorFlow."""

import os
import subprocess
import sys
from shutil import which

# Printed at every start, before and between the lines of a command. None reports a problem.
STARTUP_MESSAGES = (
    r"^WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR",
    r"^I[0-9]{4} ",  # absl's level INFO: oneDNN, instruction sets, devices
    r"^To enable the following instructions: ",
    r"^INFO: ",  # TensorFlow Lite: delegates
    r"^fully_quantize: [0-9]",  # the converter repeats its arguments
    r"Unable to register cu[A-Z]+ factory: ",  # GPU build: two libraries contain the same plugin
    r"computation placer already registered",
)


def filter_native_stderr() -> None:
    """Drop `STARTUP_MESSAGES` from what native code writes to standard error.

    All other lines, such as warnings, errors and the message of an abort, are passed on. Python's
    own `sys.stderr` is not filtered. Call this before TensorFlow is imported, in a process that
    runs one command. It needs `grep`; without `grep` nothing is dropped.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    grep = which("grep")
    if grep is None or sys.stderr is None:
        return
    patterns = [option for pattern in STARTUP_MESSAGES for option in ("-e", pattern)]
    original = os.dup(2)
    # A process, not a thread: it also passes on the last message of a process that aborts. In a
    # session of its own: Ctrl-C ends the command first.
    process = subprocess.Popen(  # noqa: S603 - constant arguments
        [grep, "--line-buffered", "--invert-match", "--extended-regexp", *patterns],
        stdin=subprocess.PIPE,
        stdout=original,
        start_new_session=True,
    )
    if process.stdin is None:
        return
    os.dup2(process.stdin.fileno(), 2)
    process.stdin.close()
    sys.stderr = os.fdopen(original, "w", buffering=1, errors="backslashreplace")
