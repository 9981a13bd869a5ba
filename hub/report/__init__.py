"""What is said, how it looks, and whether it was sent."""
