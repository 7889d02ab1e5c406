"""``python -m deploy.cli`` is ``bongsu``: how a command starts its own workers with the same interpreter."""

from deploy.cli import main

main()
