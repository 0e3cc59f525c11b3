"""Foreign WebSocket libraries, installed below target/interop, and how programs find them there."""

import os
import pathlib
import shutil
import subprocess
import sys

CONFORMANCE = pathlib.Path(__file__).resolve().parent
INSTALLED = CONFORMANCE.parent / "target" / "interop"
REQUIREMENTS = CONFORMANCE / "interop"


def install_python_libraries():
    """Installs `websockets` and `wsproto`."""
    if not pathlib.Path(python()).exists():
        subprocess.run([sys.executable, "-m", "venv", INSTALLED / "venv"], check=True)
    quietly = ["--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [python(), "-m", "pip", "install", *quietly, "-r", REQUIREMENTS / "requirements.txt"], check=True
    )


def install_node_library():
    """Installs `ws`."""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    shutil.copy(REQUIREMENTS / "package.json", INSTALLED)
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=INSTALLED, check=True)


def install_rust_libraries():
    """Builds the program on libraries in Rust."""
    manifest = CONFORMANCE / "peers" / "Cargo.toml"
    command = ["cargo", "build", "--quiet", "--release", "--manifest-path", manifest]
    subprocess.run([*command, "--target-dir", INSTALLED], check=True)


def python():
    """The Python that has the libraries."""
    return str(INSTALLED / "venv" / "bin" / "python")


def rust():
    """The program on libraries in Rust, whose first argument names one."""
    return str(INSTALLED / "release" / "conformance-peers")


def environment():
    """The environment in which Node finds `ws`, and `websockets` takes as many fragments as Autobahn sends."""
    return os.environ | {
        "NODE_PATH": str(INSTALLED / "node_modules"),
        "WEBSOCKETS_MAX_FRAGMENTS": str(1 << 20),
    }
