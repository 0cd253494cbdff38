"""Would these settings have lived? Great crashes, made-up ones, and many drawn years."""
