"""Requests to one BMC and their answers: bounded, judged, kept, and never to anywhere else."""
