"""Start ML/GenAI repositories on Docker Compose, and keep them healthy for life."""

__version__ = "0.5.2"
