"""The clients of the npm registry work unchanged: OpenAI's, and OpenFeature's with its OFREP provider."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest
from filelock import FileLock

from storage.live_tables import ExposureRow
from tests.fake_faults import TOOL_CALLS
from tests.gateway.conftest import Served, rows, unit_of

CLIENTS = Path(__file__).resolve().parent.parent / "clients"


@pytest.fixture(scope="session")
def node_clients() -> Path:
    """A folder with the clients installed from their lock, kept outside of the tree for the next session."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("no Node here: install node and npm")
    lock = (CLIENTS / "package-lock.json").read_bytes()
    folder = Path(gettempdir()) / f"bakeoff-node-clients-{hashlib.sha256(lock).hexdigest()[:16]}"
    with FileLock(f"{folder}.lock"):
        if not (folder / "installed").exists():
            folder.mkdir(exist_ok=True)
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(CLIENTS / name, folder / name)
            command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
            subprocess.run(command, cwd=folder, check=True, timeout=200)
            (folder / "installed").touch()
        for script in CLIENTS.glob("*.mjs"):
            shutil.copy(script, folder / script.name)
    return folder


def run(folder: Path, script: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        ["node", script, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_the_openai_client_for_node(gateway: Served, node_clients: Path):
    unit = unit_of(gateway, "B")
    got = run(node_clients, "openai_client.mjs", f"{gateway.address}/v1", gateway.key, unit)
    assert got["text"].endswith("to: Reply kindly to: Where is it?")
    assert got["streamed"] == got["text"]
    assert got["chunks"] > 3
    assert (got["variant"], got["tool"]) == ("B", TOOL_CALLS[0]["function"]["name"])
    assert got["tokens"] > 0
    assert got["models"] == ["experiment:refund-reply", "prompt:reply"]
    assert got["errors"] == {
        "unknown": ["NotFoundError", 404, "model_not_found"],
        "missing": ["BadRequestError", 400, "missing_variable"],
        "limited": ["RateLimitError", 429, got["errors"]["limited"][2]],
        "stranger": ["AuthenticationError", 401, "invalid_api_key"],
    }
    [exposure] = rows(gateway, ExposureRow, unit=unit)
    assert exposure.id == got["exposure"]


def test_the_openfeature_sdk_for_node(gateway: Served, node_clients: Path):
    unit = unit_of(gateway, "A")
    got = run(node_clients, "openfeature_client.mjs", gateway.address, gateway.key, unit)
    assert (got["live"]["variant"], got["live"]["reason"]) == ("A", "SPLIT")
    assert got["live"]["value"]["messages"] == [{"role": "user", "content": "Reply to: {{ticket}}"}]
    assert (got["prompt"]["reason"], got["prompt"]["value"]["version"]) == ("STATIC", 1)
    assert (got["nothing"]["errorCode"], got["nothing"]["value"]) == ("FLAG_NOT_FOUND", {"messages": []})
    assert (got["nobody"]["errorCode"], got["nobody"]["value"]) == ("TARGETING_KEY_MISSING", {"messages": []})
    [exposure] = rows(gateway, ExposureRow, unit=unit)
    assert exposure.id == got["live"]["flagMetadata"]["exposure"]
