"""ResourceProtector: decides who is slowed down, paused or ended, and gives it back."""
