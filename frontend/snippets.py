"""Code that sends the picture on the page to the API. Contains no password."""

import json
import shlex
from collections.abc import Callable

_FROM_SETTINGS = "basic"


def curl(api_url: str, filename: str, api_auth: str) -> str:
    """Return a shell command."""
    if api_auth == _FROM_SETTINGS:
        login = '-u "$API_USERNAME:$API_PASSWORD"'
    else:
        login = '-H "Authorization: Bearer $API_TOKEN"'
    # Quoted for curl, where `;` and `,` separate, and then for the shell.
    path = filename.replace("\\", "\\\\").replace('"', '\\"')
    form = shlex.quote(f'file=@"{path}"')
    return f"curl {login} \\\n  -F {form} \\\n  {shlex.quote(f'{api_url}/predict')}"


def python(api_url: str, filename: str, api_auth: str) -> str:
    """Return a Python script that needs `requests`."""
    if api_auth == _FROM_SETTINGS:
        login = 'auth=(os.environ["API_USERNAME"], os.environ["API_PASSWORD"]),'
    else:
        login = 'headers={"Authorization": f"Bearer {os.environ[\'API_TOKEN\']}"},'
    return f"""\
import os

import requests

with open({json.dumps(filename, ensure_ascii=False)}, "rb") as photo:
    response = requests.post(
        {json.dumps(f"{api_url}/predict")},
        files={{"file": photo}},
        {login}
        timeout=35,
    )
response.raise_for_status()
prediction = response.json()
print(prediction["label"], prediction["confidence"])
"""


def javascript(api_url: str, filename: str, api_auth: str) -> str:
    """Return a JavaScript module for Node.js 20 or later."""
    if api_auth == _FROM_SETTINGS:
        login = '"Basic " + btoa(`${env.API_USERNAME}:${env.API_PASSWORD}`)'
    else:
        login = "`Bearer ${env.API_TOKEN}`"
    name = json.dumps(filename, ensure_ascii=False)
    return f"""\
import {{ openAsBlob }} from "node:fs";
import {{ env }} from "node:process";

const form = new FormData();
form.append("file", await openAsBlob({name}), {name});
const response = await fetch({json.dumps(f"{api_url}/predict")}, {{
  method: "POST",
  headers: {{ Authorization: {login} }},
  body: form,
}});
if (!response.ok) throw new Error(await response.text());
const prediction = await response.json();
console.log(prediction.label, prediction.confidence);
"""


# By title: function and language for syntax highlighting.
LANGUAGES: dict[str, tuple[Callable[[str, str, str], str], str]] = {
    "curl": (curl, "bash"),
    "Python": (python, "python"),
    "JavaScript": (javascript, "javascript"),
}
