"""Building, starting, awaiting and ending the programs of a run, each by its own process id."""

import contextlib
import json
import random
import socket
import subprocess
import sys
import time


class Failed(Exception):
    """A program ended that should not have, or did not do what the run needs of it."""


def build(workspace, kind, name, features=()):
    """Builds a program of the conformance package, a `bin` or an `example`, for release; returns its path."""
    command = ["cargo", "build", "--release", "-p", "conformance", f"--{kind}", name]
    command += ["--features", ",".join(features)]
    built = subprocess.run(
        [*command, "--message-format", "json-render-diagnostics"],
        cwd=workspace,
        stdout=subprocess.PIPE,
    )
    if built.returncode != 0:
        sys.exit(f"the {kind} {name} does not build")
    artifacts = [json.loads(line) for line in built.stdout.splitlines()]
    return next(
        artifact["executable"]
        for artifact in artifacts
        if artifact["reason"] == "compiler-artifact" and artifact["target"]["name"] == name
    )


def free_port():
    """A port of the loopback interface that was free a moment ago.

    It is not one of those that systems give to outgoing connections, which could take it at any time.
    """
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def started(command, log, **options):
    """A program that runs beside the block and is ended with it."""
    with open(log, "wb") as output:
        try:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, **options)
        except OSError as reason:
            raise Failed(f"{command[0]} does not start: {reason}") from reason
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for_port(port, process, patience=15):
    """Returns once the process accepts connections; `patience` is in seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failed(f"{process.args[0]} ended with status {process.returncode} before it listened")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise Failed(f"{process.args[0]} does not listen on port {port} after {patience} s")


def finish(command, log, timeout, **options):
    """Runs a program to its end; a status other than 0 or too long a run is a failure."""
    with started(command, log, **options) as process:
        status = process.wait(timeout=timeout)
    if status != 0:
        raise Failed(f"{command[0]} ended with status {status}; see {log}")
