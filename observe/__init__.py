"""What can be seen of a running process from outside: logs, traces and metrics, none of which holds anyone's words."""
