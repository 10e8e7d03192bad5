"""`python -m bench methods | cost | gpu | identity | layout | page | gallery | overhead | tradeoff | proxy | record`:
one of these."""

import argparse
import sys

from bench import cost, gallery, gpu, identity, layout, methods, overhead, page, proxy, record, tradeoff

COMMANDS = {
    "methods": methods.main,
    "identity": identity.main,
    "layout": layout.main,
    "page": page.main,
    "overhead": overhead.main,
    "record": record.main,
    "gallery": gallery.main,
    "tradeoff": tradeoff.main,
    "proxy": proxy.main,
    "gpu": gpu.main,
    "cost": cost.main,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", choices=sorted(COMMANDS))
    args, rest = parser.parse_known_args()
    return COMMANDS[args.what](rest) or 0


if __name__ == "__main__":
    sys.exit(main())
