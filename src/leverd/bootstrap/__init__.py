"""The composition root: the one room that names concrete classes, by settings."""
