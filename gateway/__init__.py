"""The HTTP front door: typed bodies and routes over the same actions and views that pages and terminal use."""
