"""Position and token tables that tests write into weight files."""

import numpy as np

RANDOM = np.random.default_rng(0)
POSITIONS = RANDOM.normal(size=(12, 4)).astype(np.float32)
TOKENS = RANDOM.normal(size=(20, 4)).astype(np.float32)
