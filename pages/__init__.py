"""The browser front: one plain script per page, widgets only; whatever decides anything is in ``experiments``."""
