"""`python -m benchmarks`: measure everything, keep the figures, and write them into docs/performance.md."""

from __future__ import annotations

import argparse
import time

from benchmarks import plot, report, results


def main() -> None:
    """Measure, or only write the documents of the last run anew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the samples; nothing is kept")
    parser.add_argument("--render", action="store_true", help="write the documents of the run that was kept")
    arguments = parser.parse_args()
    start = time.monotonic()
    run = results.read() if arguments.render else results.measure(_say, quick=arguments.quick)
    if not arguments.quick:
        results.write(run)
        plot.draw(run)
        report.write(run)
    print(report.summary(run))
    print(f"{time.monotonic() - start:.0f} s")


def _say(step: str) -> None:
    print(f"{step} …", flush=True)


if __name__ == "__main__":
    main()
