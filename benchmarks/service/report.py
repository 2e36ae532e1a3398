"""The results as a table, each goal with what was measured."""

from typing import Any

Row = tuple[str, str, str, bool]


def markdown(results: dict[str, Any]) -> str:
    """The whole report of a run."""
    machine = "\n".join(f"| {name} | {value} |" for name, value in results["machine"].items())
    goals = "\n".join(
        f"| {what} | {goal} | {found} | {'met' if met else '**missed**'} |"
        for what, goal, found, met in _goals(results)
    )
    cold, warm, load = results["cold_start"], results["warm"], results["load"]
    starts = "\n".join(
        f"| {what} | {ms:,.0f} |"
        for what, ms in [
            ("import of the libraries alone", cold["libraries_alone"]["import_ms"]),
            ("import of the handler, model included", cold["handler"]["import_ms"]),
            ("of it, loading the model", cold["handler"]["model_load_ms"]),
            ("first request", cold["handler"]["first_request_ms"]),
            ("start of the process to the first answer", cold["handler"]["answered_ms"]),
        ]
    )
    kinds = "\n".join(
        f"| {name.replace('_', ' ')} | {ms['p10']:.2f} | {ms['p50']:.2f} | {ms['p99']:.2f} |"
        for name, ms in warm["ms"].items()
    )
    imports = "\n".join(f"| {name} | {ms} |" for name, ms in results["imports_ms"].items())
    memory = ", ".join(f"{mb} MB {when.replace('_', ' ')}" for when, mb in load["rss_mb"].items())
    return f"""\
# The service, measured

`make bench`. Shares and ratios are what to look at; milliseconds are this machine's, which did
other work meanwhile if its load average was above 0; processor time is disturbed less by that.

| machine | |
|---|---|
{machine}

| goal | | measured | |
|---|---|---|---|
{goals}

## Cold start, milliseconds (median of processes)
| | ms |
|---|---|
{starts}

By package, each without what it imports itself:

| package | ms |
|---|---|
{imports}

## Warm, milliseconds
A JPEG of 150x150. *Bare* is decoding and inference by `Classifier.classify`; the handler gets API
Gateway's event. All by turns in one process.

| | p10 | p50 | p99 |
|---|---|---|---|
{kinds}

## uvicorn under {load["clients"]} clients
{load["requests"]:,} requests in {load["seconds"]} s: {load["requests_a_second"]} a second, p50
{load["ms"]["p50"]:.0f} ms, p99 {load["ms"]["p99"]:.0f} ms, clients on the same machine. Resident
memory: {memory}.
"""


def _goals(results: dict[str, Any]) -> list[Row]:
    cold, warm, load = results["cold_start"], results["warm"], results["load"]
    rss = list(load["rss_mb"].values())
    growth = rss[-1] / rss[0]
    unwanted = cold["unwanted_modules"]
    wrong = load["errors_or_other_answers"]
    return [
        ("our code and framework over importing FastAPI, numpy, Pillow and LiteRT, processor time",
         "at most +25 %", f"+{cold['added_cpu']:.0%}", cold["added_cpu"] <= 0.25),
        ("the same by the clock", "at most +25 %", f"+{cold['added']:.0%}", cold["added"] <= 0.25),
        ("no boto3, TensorFlow, pandas or matplotlib imported", "none",
         ", ".join(unwanted) or "none", not unwanted),
        ("RSS of the handler's process after 200 requests", "at most 150 MB",
         f"{cold['rss_mb']:.0f} MB", cold["rss_mb"] <= 150),
        *(
            (f"warm handler to bare, picture {how}, p50 of {time}", "at most 1.25",
             f"{warm[ratios][kind]:.2f}", warm[ratios][kind] <= 1.25)
            for kind, how in (("handler_raw", "as the body"), ("handler_form", "in a form"))
            for ratios, time in (("ratios_cpu", "processor time"), ("ratios", "the clock"))
        ),
        ("occlusion map of 7x7 in inferences' processor time", "at most 60",
         f"{warm['ratios_cpu']['map_7x7']:.0f}", warm["ratios_cpu"]["map_7x7"] <= 60),
        ("errors, or answers other than the sequential one, under load", "0", str(wrong),
         wrong == 0),
        ("growth of RSS from 1,000 to 20,000 requests", "at most 10 %", f"{growth - 1:+.1%}",
         growth <= 1.1),
    ]  # fmt: skip
