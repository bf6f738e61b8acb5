"""node: its fetch; and from npm undici and ws, which are left out where npm can't install them."""

import functools
import json
import os
import subprocess

from service import PATIENCE, ROOT, run

HERE = ROOT / "tests/clients"
MODULES = ROOT / "build/clients"


def node(service, script, *arguments):
    run("node", HERE / script, service.url, service.tls_url, *arguments,
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(service.folder / "ca.pem"),
             "NODE_PATH": str(MODULES / "node_modules")})


def has(name):
    """Whether a module of npm's is here, in the version that package.json names."""
    wanted = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"][name]
    try:
        there = json.loads((MODULES / f"node_modules/{name}/package.json").read_text(encoding="utf-8"))
        return there["version"] == wanted
    except FileNotFoundError:
        return False


@functools.cache  # npm is asked once
def install():
    """Say so where it can't be done."""
    if has("undici") and has("ws"):
        return
    MODULES.mkdir(parents=True, exist_ok=True)
    (MODULES / "package.json").write_bytes((HERE / "package.json").read_bytes())
    print("clients: npm installs undici and ws", flush=True)
    try:
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock",
                        "--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=20000"],
                       cwd=MODULES, check=True, timeout=PATIENCE,
                       stdout=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError, subprocess.TimeoutExpired):
        print("note: npm can't install undici and ws, so they are left out", flush=True)


def check_fetch(service):
    node(service, "fetch.js")


def check_undici(service):
    install()
    if has("undici"):
        node(service, "undici.js", service.folder / "ca.pem")


def check_websockets(service):
    install()
    if has("ws"):
        node(service, "websocket.js", service.folder / "ca.pem")
