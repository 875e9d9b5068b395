"""What every page starts from: the store, the settings, who is there, and whether a model can be called."""

from __future__ import annotations

import getpass
import os

import streamlit as st

from experiments.completions import Completions, CompletionSettings, open_completions
from experiments.completions.providers import KEY_VARIABLES
from experiments.errors import BakeoffError
from experiments.vocabulary import Actor, Role
from settings import Settings
from storage.store import Store, open_store


@st.cache_resource
def settings() -> Settings:
    """The settings of this server."""
    return Settings.from_env()


@st.cache_resource
def store() -> Store:
    """The database of this server."""
    return open_store(settings().database_url, home=settings().home)


@st.cache_resource
def _completions() -> Completions:
    return open_completions(CompletionSettings.from_env(os.environ))


def actor() -> Actor:
    """Who sits at this browser. Without a login that is anybody who reaches the address, with all rights."""
    try:
        name = getpass.getuser() if settings().is_local() and not settings().insecure_no_login else "somebody"
    except (KeyError, OSError):
        name = "somebody"
    return Actor(f"{name} (browser)", Role.ADMIN)


@st.cache_resource
def providers_at_hand() -> tuple[str, ...]:
    """Providers that can be called from here: their key is set, or an address of one's own is."""
    found = _completions().settings
    with_key = [name for name, variables in KEY_VARIABLES.items() if found.keys_present.intersection(variables)]
    return tuple(dict.fromkeys([*with_key, *found.api_bases]))


def model_problem(model: str) -> BakeoffError | None:
    """Why a model cannot be called from here (an unknown name, a key that is not set), or None."""
    return _completions().check(model)
