"""The HTTP gateway: agencies push here. A body answered with 2xx is safe on disk."""
