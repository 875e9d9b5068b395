"""A process that serves the HTTP side of rating over a database: something to be killed."""

from __future__ import annotations

import sys

import uvicorn

from storage.store import open_store
from tests.rating_builders import served

if __name__ == "__main__":
    url, port = sys.argv[1:]
    uvicorn.run(served(open_store(url)), host="127.0.0.1", port=int(port), log_level="critical", access_log=False)
