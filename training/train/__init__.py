"""Training of the matching network."""

import os

# Before numpy is loaded: its own threads in the loading processes would compete with the trainer's.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
