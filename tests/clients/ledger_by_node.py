"""node and the ledger: what ledger.js says."""

import os

from by_node import HERE, MODULES, install
from service import run


def check_ledger(service):
    install()
    run("node", HERE / "ledger.js", service.url, service.token,
        env={**os.environ, "NODE_PATH": str(MODULES / "node_modules")})
