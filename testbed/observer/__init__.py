"""What happened in ZooKeeper: by its own transaction log, state by state, and as a plain client was told of it."""
