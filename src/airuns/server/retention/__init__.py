"""What becomes of old runs: rules that archive, delete and purge; the trash; a user's erasure."""
