"""How an application takes part in a live test: the lines to copy."""

from __future__ import annotations

import streamlit as st

from pages.components.snippets import own_address


def show_live_snippets(key: str, metric: str | None) -> None:
    """OpenAI's client, any OpenFeature client, and how to report an outcome."""
    address = own_address()
    st.caption("Make a key with the scopes “assign” and “ingest” in Settings and give it as BAKEOFF_KEY.")
    by_chat, by_flag, outcome = st.tabs(["OpenAI client", "OpenFeature client", "Report an outcome"])
    with by_chat:
        st.code(
            f"""import os
from openai import OpenAI

client = OpenAI(base_url="{address}/v1", api_key=os.environ["BAKEOFF_KEY"])
answer = client.chat.completions.create(
    model="experiment:{key}", user=user_id, messages=[], extra_body={{"variables": {{"name": value}}}},
)""",
            language="python",
            wrap_lines=True,
        )
    with by_flag:
        st.code(
            f"""from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

api.set_provider(OFREPProvider("{address}", headers_factory=lambda: {{"Authorization": f"Bearer {{bakeoff_key}}"}}))
flag = api.get_client().get_object_value("{key}", {{}}, EvaluationContext(targeting_key=user_id))
# flag: prompt, model and parameters of the variant that this user meets""",
            language="python",
            wrap_lines=True,
        )
    with outcome:
        st.code(
            f"""httpx.post(
    "{address}/api/v1/outcomes",
    headers={{"Authorization": f"Bearer {{os.environ['BAKEOFF_KEY']}}"}},
    json={{"experiment": "{key}", "unit": user_id, "metric": "{metric or "resolved"}", "value": 1}},
)""",
            language="python",
            wrap_lines=True,
        )
