"""What a prompt is, how it becomes a request, and which version a label serves.

``content``: versions, variables, differences. ``rendering``: one row's values filled in. ``labels``: who may move a
label on what evidence. ``lookalikes``: text that looks like a variable and is none.
"""
