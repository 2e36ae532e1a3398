"""Short load test of two worker processes: no errors, right predictions, constant memory.

`make bench` runs a longer one, with 20,000 requests.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from tests.lambda_api.pictures import china, encode
from tests.lambda_api.server import TIMEOUT, Server, running

CLIENTS = 32
WARM_UP, MEASURED = 320, 1600  # requests
MAX_GROWTH = 1.10


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, credentials: tuple[str, str], bundle: Path
) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("load"), credentials, bundle, workers=2) as server:
        yield server


PICTURES = [
    encode(china(240, 160), "JPEG"),
    encode(china(150, 150), "JPEG", progressive=True),
    encode(china(96, 64), "PNG"),
    encode(china(120, 80), "WEBP"),
]


def ask(server: Server, session: requests.Session, number: int) -> str:
    answer = session.post(
        f"{server.url}/predict",
        data=PICTURES[number % len(PICTURES)],
        auth=server.credentials,
        timeout=TIMEOUT,
    )
    assert answer.status_code == 200, answer.text
    return json.dumps(answer.json()["predictions"])


def test_32_clients_get_sequential_predictions_in_constant_memory(server: Server) -> None:
    with requests.Session() as session:
        expected = [ask(server, session, number) for number in range(len(PICTURES))]

    def client(first: int) -> list[tuple[int, str]]:
        with requests.Session() as session:
            numbers = range(first, first + count // CLIENTS)
            return [(number, ask(server, session, number)) for number in numbers]

    parent = psutil.Process(server.process.pid)
    processes = [parent, *parent.children(recursive=True)]
    memory = []
    with ThreadPoolExecutor(CLIENTS) as pool:
        for count in (WARM_UP, MEASURED):
            answers = [x for found in pool.map(client, range(CLIENTS)) for x in found]
            assert len(answers) == count
            wrong = [n for n, answer in answers if answer != expected[n % len(PICTURES)]]
            assert wrong == []
            memory.append(sum(process.memory_info().rss for process in processes))
    warm, loaded = memory
    assert loaded <= warm * MAX_GROWTH
    statuses = {line["status"] for line in server.lines() if line["message"] == "request"}
    assert statuses == {200}
