"""What happens to jobs: asked for, run, taken over, ended."""
