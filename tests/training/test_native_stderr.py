"""Standard error of a command: start-up messages are dropped, everything else is passed on."""

import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
from training.native_stderr import filter_native_stderr
filter_native_stderr()
"""


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", PROGRAM + code], capture_output=True, text=True)


@pytest.mark.parametrize(
    "message",
    [
        "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
        "I0000 00:00:1795627544.743821   16336 port.cc:153] oneDNN custom operations are on.",
        "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.",
        "fully_quantize: 0, inference_type: 6, input_inference_type: UINT8",
    ],
)
def test_startup_messages_of_native_code_are_dropped(message: str) -> None:
    ended = _run(f"os.write(2, {message!r}.encode() + b'\\nnext line\\n')")

    assert ended.stderr == "next line\n"
    assert ended.returncode == 0


@pytest.mark.parametrize(
    "message",
    ["W0000 00:00:1.1 1 gpu.cc:1] Out of memory", "E0000 00:00:1.1 1 a.cc:2] Failed", "Killed"],
)
def test_warnings_and_errors_of_native_code_are_passed_on(message: str) -> None:
    ended = _run(f"os.write(2, {message!r}.encode() + b'\\n')")

    assert ended.stderr == f"{message}\n"


def test_the_last_message_before_an_abort_is_passed_on() -> None:
    ended = _run("os.write(2, b'F0000 00:00:1.1 1 a.cc:3] Check failed\\n')\nos.abort()")

    assert "Check failed" in ended.stderr
    assert ended.returncode < 0


def test_messages_of_python_are_not_filtered() -> None:
    ended = _run("print('INFO: from Python', file=sys.stderr)\nraise ValueError('I0000 ')")

    assert "INFO: from Python" in ended.stderr
    assert "ValueError: I0000" in ended.stderr
    assert ended.returncode == 1
