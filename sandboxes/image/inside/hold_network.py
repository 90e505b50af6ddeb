"""The holder of a sandbox's network: `python hold_network.py PORT`; see proxy/handover.py."""

import sys

from proxy.handover import hold  # type: ignore[import-not-found]

if __name__ == "__main__":
    hold(int(sys.argv[1]))
