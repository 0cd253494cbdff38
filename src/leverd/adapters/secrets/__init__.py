"""Where keys and passwords come from: never an argument, never a settings file."""

from leverd.adapters.secrets.sources import CredentialSecrets, EnvironmentSecrets, FileSecrets

__all__ = ["CredentialSecrets", "EnvironmentSecrets", "FileSecrets"]
