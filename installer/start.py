"""What bin/install, bin/upgrade and bin/uninstall run: `start.py RELEASE PROGRAM OPTION…`, by a Python of its own."""

import sys
from pathlib import Path

if __name__ == "__main__":
    folder = sys.argv[1]
    sys.path.insert(0, folder)  # Python runs isolated: its own folder is not on the path

    from installer.cli import main

    sys.exit(main(sys.argv[2:], Path(folder)))
