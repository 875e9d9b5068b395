"""The wheel holds all that a server needs: installed without this project's folder, it starts and serves a page."""

import os
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 120


@pytest.fixture
def installed(tmp_path):
    """The Python of an environment that has the wheel, and the dependencies of this one without this project."""
    built = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(built, cwd=ROOT, check=True, capture_output=True)
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    wanted = "import sysconfig; print(sysconfig.get_path('purelib'))"
    place = Path(subprocess.run([python, "-c", wanted], check=True, capture_output=True, text=True).stdout.strip())
    zipfile.ZipFile(next(tmp_path.glob("*.whl"))).extractall(place)
    # a path in a .pth is added, and its own .pth files are not read: the editable install here stays out
    (place / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _got(url, process):
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return response.read().decode()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"no answer from {url}")


@pytest.mark.faults
def test_an_installed_wheel_serves_from_an_empty_folder(installed, tmp_path):
    folder, port = tmp_path / "empty", _free_port()
    folder.mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("BAKEOFF_", "PYTHONPATH"))}
    environ["BAKEOFF_HOME"] = str(tmp_path / "home")
    process = subprocess.Popen(
        [installed, "-c", "import cli; cli.main()", "serve", "--port", str(port), "--no-sample", "--no-worker"],
        cwd=folder,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert "ok" in _got(f"http://127.0.0.1:{port}/readyz", process)
        assert "<!doctype html>" in _got(f"http://127.0.0.1:{port}/", process).lower()
    finally:
        process.terminate()
        process.wait(timeout=60)
    assert list(folder.iterdir()) == []
