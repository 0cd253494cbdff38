"""Secrets as the settings name them: each from one place, opened when it is used."""

from __future__ import annotations

from collections.abc import Mapping

from leverd.adapters.secrets import (
    AwsSecret,
    CommandSecret,
    CredentialSecrets,
    EnvironmentSecrets,
    FileSecrets,
)
from leverd.adapters.secrets.command import DEADLINE_S
from leverd.interfaces.secrets import Secret
from leverd.settings.secret_source import HandedSource, SecretSource


def secret_of(source: HandedSource, env: Mapping[str, str]) -> Secret:
    """Return the secret from the one place that `source` names, as it is there now.

    Raises:
        SecretError: it is not there, or not safe there.
        UnreachableError: the place does not answer.
    """
    if isinstance(source, SecretSource) and source.file is not None:
        return FileSecrets().get(source.file)
    if source.credential is not None:
        return CredentialSecrets(env).get(source.credential)
    if source.environment is not None:
        return EnvironmentSecrets(env).get(source.environment)
    if source.aws is not None:
        said = source.aws
        return AwsSecret(said.id, said.field or "", said.region or "", said.endpoint or "").get()
    assert source.command is not None, "the form check wants exactly one place"
    deadline_s = float(source.command_s_max) if source.command_s_max else DEADLINE_S
    sees = source.command_sees or ()
    return CommandSecret(source.command, env, sees=sees, deadline_s=deadline_s).get()
