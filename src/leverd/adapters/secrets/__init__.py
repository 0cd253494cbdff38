"""Where keys and passwords come from: never an argument, never a settings file."""

from leverd.adapters.secrets.aws import AwsSecret
from leverd.adapters.secrets.command import CommandSecret
from leverd.adapters.secrets.sources import CredentialSecrets, EnvironmentSecrets, FileSecrets

__all__ = [
    "AwsSecret",
    "CommandSecret",
    "CredentialSecrets",
    "EnvironmentSecrets",
    "FileSecrets",
]
