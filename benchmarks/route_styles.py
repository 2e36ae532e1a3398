"""Cost of FastAPI's features for a route, compared to a route that takes the bare request.

`python -m benchmarks.route_styles` prints a table. Each style is a minimal app that returns a
prediction. Processes of all styles are started alternately.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence

STYLES = {
    "bare": "the bare request",
    "query": "`Annotated[Query, Query()]`",
    "model": "`response_model`",
    "depends": "two async dependencies for model and picture",
    "all": "all three",
}
PROGRAM = """
import asyncio, json, sys, time
start = time.process_time()
from typing import Annotated
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

style, rounds = sys.argv[1], int(sys.argv[2])

class Options(BaseModel):
    top_k: Annotated[int | None, Field(ge=1)] = None

class Score(BaseModel):
    label: str
    confidence: float

class Prediction(BaseModel):
    label: str
    confidence: float
    predictions: list[Score]

names = ("buildings", "forest", "glacier", "mountain", "sea", "street")
scores = [{"label": name, "confidence": 0.1} for name in names]
document = {"label": "sea", "confidence": 0.1, "predictions": scores}

async def model(request: Request): return document
async def picture(request: Request): return await request.body()

router = APIRouter()
if style == "bare":
    @router.post("/predict")
    async def predict(request: Request) -> JSONResponse:
        await request.body()
        return JSONResponse(document)
elif style == "query":
    @router.post("/predict")
    async def predict(request: Request, options: Annotated[Options, Query()]) -> JSONResponse:
        await request.body()
        return JSONResponse(document)
elif style == "model":
    @router.post("/predict")
    async def predict(request: Request) -> Prediction:
        await request.body()
        return document
elif style == "depends":
    @router.post("/predict")
    async def predict(model=Depends(model), picture=Depends(picture)) -> JSONResponse:
        return JSONResponse(model)
else:
    @router.post("/predict")
    async def predict(
        options: Annotated[Options, Query()], model=Depends(model), picture=Depends(picture)
    ) -> Prediction:
        return model

app = FastAPI()
app.include_router(router)
scope = {
    "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
    "scheme": "http", "path": "/predict", "raw_path": b"/predict", "root_path": "",
    "query_string": b"top_k=3", "headers": [], "server": ("x", 80), "client": ("127.0.0.1", 1),
}
statuses = []

async def receive(): return {"type": "http.request", "body": b"x", "more_body": False}
async def send(message): statuses.append(message.get("status"))
async def request(): await app(dict(scope), receive, send)

async def main():
    await request()
    started_ms = (time.process_time() - start) * 1000
    times = []
    for _ in range(rounds):
        before = time.process_time()
        await request()
        times.append((time.process_time() - before) * 1000)
    assert statuses[0] == 200
    print(json.dumps({"start": started_ms, "request": sorted(times)[len(times) // 2]}))

asyncio.run(main())
"""


def measure(starts: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return the least processor time in milliseconds by style.

    "start" is the time from the first import to the first response, "request" the median of the
    later requests of a process. Other processes only ever add time, so the least of many processes
    is what the style itself takes.

    Args:
        starts: processes of each style.
        rounds: requests in each process.
    """
    runs: dict[str, list[dict[str, float]]] = {style: [] for style in STYLES}
    for _ in range(starts + 1):  # the first run of each compiles byte code
        for style, results in runs.items():
            command = [sys.executable, "-c", PROGRAM, style, str(rounds)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own command
            results.append(json.loads(done.stdout))
    return {
        style: {name: min(result[name] for result in results[1:]) for name in ("start", "request")}
        for style, results in runs.items()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.route_styles")
    parser.add_argument("--starts", type=int, default=30, help="number of processes per style")
    parser.add_argument("--rounds", type=int, default=500, help="number of requests per process")
    parsed = parser.parse_args(arguments)
    times_by_style = measure(parsed.starts, parsed.rounds)
    bare = times_by_style["bare"]
    print("| a route with | request | cold start |\n|---|---|---|")
    print(f"| {STYLES['bare']} | {bare['request']:.2f} ms | {bare['start']:.0f} ms |")
    for style, times in times_by_style.items():
        if style != "bare":
            request, start = times["request"] - bare["request"], times["start"] - bare["start"]
            print(f"| {STYLES[style]} | {request:+.2f} ms | {start:+.0f} ms |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
