"""What makes the host harder to break into, rule by rule."""
