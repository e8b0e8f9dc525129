"""sgportal beside programs in Go (`go_controller`) that do the same on one API server."""
