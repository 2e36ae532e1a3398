"""Entry point on hosts without Streamlit secrets: `streamlit run frontend/server.py`.

It runs frontend/app.py with the log-in of the environment or of `.env`. Streamlit itself only reads
the log-in from its secrets.
"""

import os
import sys
from pathlib import Path

# `streamlit run` adds this file's folder to the path, not the root, which contains `frontend`.
if (root := str(Path(__file__).parents[1])) not in sys.path:
    sys.path.insert(0, root)

import streamlit as st

from env_file import EnvFileError, unset_variables
from frontend.login import SCOPES, VARIABLES, auth_table

NAMES = (*VARIABLES.values(), SCOPES, "API_AUTH")


def _variables() -> dict[str, str]:
    try:
        from_file = unset_variables(NAMES)
    except EnvFileError:
        from_file = {}  # the page reports the error
    return from_file | {name: value for name in NAMES if (value := os.environ.get(name))}


auth = auth_table(_variables())
app = st.App(Path(__file__).with_name("app.py"), secrets={"auth": auth} if auth else None)
