"""Settings and API keys of the installation."""
