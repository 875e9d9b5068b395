"""How an application reads a prompt: the lines to copy."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st


def show_snippets(prompt: str, label: str, variables: Sequence[str]) -> None:
    """Curl and Python, with the address of this server."""
    address = own_address()
    path = f"/api/v1/prompts/{prompt}"
    query = "" if label == "production" else f"?label={label}"
    st.caption("Make a key with the scope “read” in Settings and give it as BAKEOFF_KEY.")
    st.code(f'curl -H "Authorization: Bearer $BAKEOFF_KEY" "{address}{path}{query}"', language="bash", wrap_lines=True)
    given = ", ".join(f'"{name}": "…"' for name in variables)
    st.code(
        f"""import os, httpx

answer = httpx.post(
    "{address}{path}/render",
    headers={{"Authorization": f"Bearer {{os.environ['BAKEOFF_KEY']}}"}},
    json={{"label": "{label}", "variables": {{{given}}}}},
)
request = answer.raise_for_status().json()  # model, messages, parameters, version""",
        language="python",
    )


def own_address() -> str:
    """Scheme and host of this server, as the browser reached it."""
    parts = (st.context.url or "http://localhost:8501/").split("/")
    return "/".join(parts[:3])
