"""What the Docker engine really has: volumes, who mounts them, their sizes, and which of them may go."""
