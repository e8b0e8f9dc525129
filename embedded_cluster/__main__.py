"""Serve an embedded cluster alone until interrupted: `python -m embedded_cluster --port 0 --world walkthrough`."""

import argparse
import signal
import threading
from pathlib import Path

from .cluster import EmbeddedCluster


def main() -> None:
    """Parse the command line, serve, stop on SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m embedded_cluster")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--world", default="walkthrough")
    parser.add_argument("--state", type=Path, default=None)
    options = parser.parse_args()
    over = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: over.set())
    with EmbeddedCluster(options.world, options.state, options.port) as cluster:
        print(f"{cluster.url}\nKUBECONFIG={cluster.kubeconfig_path}", flush=True)
        over.wait()


if __name__ == "__main__":
    main()
