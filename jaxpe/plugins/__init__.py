"""Code of the user's own: loaded from files, identified by its source, and called so that its faults become one sentence."""
