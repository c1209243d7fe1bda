"""The platform by psutil alone; ``platform`` names what it can do."""
