"""Two prompts side by side: what they are, what differs, what both answer on a real row, and their versions."""

import streamlit as st

from experiments.views.registry.prompts import get_prompt, list_prompts
from pages.components.errors import show_errors
from pages.components.pickers import models
from pages.components.session import store
from pages.components.show_output import plain
from pages.components.write import prompt_editor
from pages.components.write.try_out import pick_values, run_both, show_filled_in
from pages.components.write.versions import save_as_version, show_history
from pages.components.write.what_changed import show_what_changed

NEW = "a new prompt"

with show_errors():
    views = {view.name: view for view in list_prompts(store())}
    title, picker = st.columns([3, 2], vertical_alignment="bottom")
    title.title("Prompts", anchor=False)
    saved = st.session_state.pop("saved", None)
    if saved is not None:
        st.session_state["prompt"] = st.session_state["write_of"] = saved[0]
        st.toast(f"Version {saved[1]} of {plain(saved[0])} is saved.", icon=":material/check_circle:")
    chosen = picker.selectbox("Prompt", [*views, NEW], key="prompt", bind="query-params", label_visibility="collapsed")
    view = get_prompt(store(), chosen) if chosen in views else None
    if st.session_state.get("write_of") != chosen:
        st.session_state["write_of"] = chosen
        prompt_editor.start_with(view)

    contents = {}
    for letter, column in zip(("A", "B"), st.columns(2, gap="medium"), strict=True):
        with column:
            content = prompt_editor.draw(letter, models=models(), view=view)
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(prompt_editor.text_facts(content) if content else "Nothing written yet.", width="stretch")
                prompt_editor.messages_menu(letter)
                save_as_version(letter, content, view.name if view else None)
            if content is not None:
                contents[letter] = content

    if contents:
        bar = st.container(horizontal=True, vertical_alignment="bottom")
        values = pick_values(contents, bar)
        run_both(contents, values, bar)
        if len(contents) == 2 and bar.button("Compare on a test set", icon=":material/balance:", key="compare"):
            st.session_state["handed_over"] = (contents, view.name if view else None)
            st.switch_page("design_experiment.py", query_params={"view": "New comparison"})
    if len(contents) == 2:
        show_what_changed(contents["A"], contents["B"])
    if contents:
        with st.expander("Filled in, as it is sent", icon=":material/visibility:", key="filled_in"):
            show_filled_in(contents, values)
    if view is not None:
        st.header("Versions", anchor=False)
        show_history(view)
