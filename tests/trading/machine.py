"""Drive random commands against the second model for as long as wanted.

    python -m tests.trading.machine --steps 200000 [--seed 7]

The sequences are new ones each time; CI runs a fixed 2,000 steps.  What was done by when is told
every 1,000 steps.
"""

import argparse
import os

import pytest


def main() -> int:
    parser = argparse.ArgumentParser(description="Drive random commands against the second model.")
    parser.add_argument("--steps", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=None, help="repeat a run")
    given = parser.parse_args()
    os.environ["MACHINE_STEPS"] = str(given.steps)
    seed = [] if given.seed is None else [f"--hypothesis-seed={given.seed}"]
    return int(pytest.main(["-q", "-s", "tests/trading/test_stateful.py", *seed]))


if __name__ == "__main__":
    raise SystemExit(main())
