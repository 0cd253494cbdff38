"""Places that a secret may come from. None of them holds it in the settings themselves."""

from __future__ import annotations

import re
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from leverd.settings.types import Model, Positive, Text, Url

_SAYS_IT: Final = re.compile(
    r"[\w-]*(password|passwd|passphrase|token|secret|api[-_]?key)=.+", re.IGNORECASE | re.ASCII
)


def _program(run: tuple[str, ...]) -> tuple[str, ...]:
    """Return `run`, a program and its arguments; what may be a secret is not repeated."""
    if "/" in run[0] and not run[0].startswith("/"):
        raise ValueError("its program is an absolute path, or a name that is looked up in PATH")
    if any(_SAYS_IT.fullmatch(each) for each in run[1:]):
        raise ValueError("an argument looks like a secret: others can read arguments")
    return run


Command = Annotated[tuple[Text, ...], Field(min_length=1), AfterValidator(_program)]


class AwsSection(Model):
    """One secret in AWS Secrets Manager; needs the extra aws."""

    id: Annotated[Text, Field(description="name or ARN")]
    field: Annotated[Text | None, Field(description="the one wanted, where it is JSON")] = None
    region: Annotated[Text | None, Field(description="boto3 finds one if unset")] = None
    endpoint: Annotated[Url | None, Field(description="of a network of your own")] = None


class HandedSource(Model):
    """Places outside of this machine's files."""

    credential: Annotated[Text | None, Field(description="name of a systemd credential")] = None
    environment: Annotated[Text | None, Field(description="name of a variable")] = None
    aws: Annotated[AwsSection | None, Field(description="a secret in AWS Secrets Manager")] = None
    command: Annotated[
        Command | None, Field(description="program and arguments, no shell; it prints the secret")
    ] = None
    command_sees: Annotated[
        tuple[Text, ...] | None, Field(description="variables it may see, as VAULT_ADDR")
    ] = None
    command_s_max: Annotated[
        Positive | None, Field(le=60, description="wall seconds it may take; 10 if unset")
    ] = None

    def places(self) -> dict[str, object]:
        """Return every place that may be named, with what is named of it."""
        return {
            name: getattr(self, name)
            for name in ("keystore", "file", "credential", "environment", "aws", "command")
            if name in type(self).model_fields
        }

    def amiss(self) -> str:
        """Return what cannot be meant, "" if it can."""
        places = self.places()
        given = [name for name, said in places.items() if said is not None]
        if len(given) != 1:
            said = " and ".join(given) or "none"
            return f"needs exactly one of {', '.join(places)}; {said} is given"
        if self.command is None and (self.command_sees or self.command_s_max):
            return "says what a command sees or may take, and there is no command"
        return ""


class SecretSource(HandedSource):
    """Where a secret comes from: exactly one of these. Never the secret itself."""

    file: Annotated[Text | None, Field(description="readable by its owner only")] = None

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if why := self.amiss():
            raise ValueError(why)
        return self
