"""Python imports this at its start where ``tests/support`` is on its path: processes of a test stay on loopback."""

import loopback

loopback.watch()
