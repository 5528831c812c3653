"""What holds for every test: libraries compute as they do under the program (``cornerman.cli.main``)."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
