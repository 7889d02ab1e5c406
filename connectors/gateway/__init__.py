"""The HTTP gateway: agencies publish here; what was answered with 2xx is safe on disk."""
