"""Commands. Each family is one file, imported only when it is used."""
