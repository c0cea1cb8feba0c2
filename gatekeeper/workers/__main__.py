"""`python -m gatekeeper.workers`: what a supervisor starts; not for people."""

import sys

from gatekeeper.workers.worker import main


sys.exit(main())
