"""Results on disk, claims and statistics."""
