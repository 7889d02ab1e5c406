"""The ground: commands, the local cluster, cities, laws, manifests."""
