"""Every error leverd raises on purpose, grouped by what the caller may do.

* `LeverdError`
    * `SettingsError` (LVD-CFG): the settings file is malformed. Exit 2, before any socket opens.
    * `DataError` (LVD-DAT): recorded history is malformed, or does not tell what is asked. Exit 2.
    * `SweepError` (LVD-SWP): a sweep cannot be run as asked. Exit 2.
        * `InexactError`: fast and exact arithmetic do not agree; no result is to be believed.
    * `PredictionError` (LVD-PRD): a prediction, or what would make one, is not to be used. Exit 2
      from a command; a loop goes on without it.
    * `InfeasibleError` (LVD-FEA): well-formed, but the market says no. Exit 6.
    * `UnreachableError` (LVD-NET): no answer; the outcome is unknown. Reads may be retried.
        * `BreakerOpenError`: not even asked, because the dependency keeps failing.
    * `NonsenseError` (LVD-CHN): an answer that cannot be true (wrong chain, no code, bad data).
        * `ForgottenError`: a true one: no node keeps the state of a block that old.
    * `RevertedError` (LVD-RVT): the chain executed the call and said no. The same call fails again.
    * `RefusedError` (LVD-SND): the node would not take the transaction; it never entered a pool.
    * `StaleError` (LVD-OLD): an input is older than its limit. Skip this turn.
    * `ImpossibleError` (LVD-IMP): a state that cannot exist, e.g. less than nothing.
    * `SecretError` (LVD-KEY): a key or password is missing, wrong, or given in an unsafe way.
    * `SigningRefusedError` (LVD-SGN): the signer's allow-list says no.
    * `JournalError` (LVD-JRN)
        * `JournalDamagedError`: it does not replay. Exit 5; the whole prefix is kept.
        * `JournalForeignError`: it belongs to another chain or deployment.
        * `JournalLockedError`: another process holds it.
        * `JournalRefusedError`: the server of its copy says no, and may say yes later.
        * `DiskFullError`: an append could not be made durable.
    * `HaltedError` (LVD-HLT): trading is halted and only a human resumes it. Exit 4.
    * `OwnerError` (LVD-OWN): the command cannot be done as asked; nothing was changed.
    * `ApiError` (LVD-API): the API cannot answer a request as it was made; nothing was changed.

A bug is not in this tree: it is an `AssertionError` or whatever Python raised, and it ends
the process.
"""

from __future__ import annotations

from typing import ClassVar


class LeverdError(Exception):
    """What went wrong (`message`), where (`place`), and what the owner can do (`remedy`)."""

    family: ClassVar[str] = "LVD"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, number: int = 0, place: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.number = number
        self.place = place
        self.remedy = remedy

    @property
    def code(self) -> str:
        """The stable code, e.g. `LVD-CFG-003`."""
        return f"{self.family}-{self.number:03d}"

    @property
    def told(self) -> str:
        """What went wrong, where, and what to do, for who is told the code beside it."""
        where = f" ({self.place})" if self.place else ""
        remedy = f" Remedy: {self.remedy}" if self.remedy else ""
        return f"{self.message}{where}.{remedy}"

    def __str__(self) -> str:
        return f"{self.code}: {self.told}"


class SettingsError(LeverdError):
    """The settings are malformed."""

    family = "LVD-CFG"
    exit_code = 2


class DataError(LeverdError):
    """Recorded history is malformed, has changed, or does not tell what is asked of it."""

    family = "LVD-DAT"
    exit_code = 2


class SweepError(LeverdError):
    """A sweep over parameters is malformed, or cannot be run as asked."""

    family = "LVD-SWP"
    exit_code = 2


class InexactError(SweepError):
    """The fast engine's results are not those of the exact one; none of them is to be believed."""

    exit_code = 1


class PredictionError(LeverdError):
    """A prediction cannot be made, or must not be used; `number` is a `domain.prediction.Why`."""

    family = "LVD-PRD"
    exit_code = 2


class InfeasibleError(LeverdError):
    """The settings are well-formed, but no market would let them be kept."""

    family = "LVD-FEA"
    exit_code = 6


class UnreachableError(LeverdError):
    """No answer in time; what was asked may or may not have happened."""

    family = "LVD-NET"
    exit_code = 3


class BreakerOpenError(UnreachableError):
    """The dependency failed too often and is left alone for now; nothing was sent."""


class NonsenseError(LeverdError):
    """An answer that cannot be true; retrying the same source cannot help."""

    family = "LVD-CHN"
    exit_code = 3


class ForgottenError(NonsenseError):
    """No node keeps the state of that block any more; receipts and the present it still tells."""


class RevertedError(LeverdError):
    """The chain executed the call and refused it; `reason` is the decoded error name."""

    family = "LVD-RVT"

    def __init__(self, reason: str, *, number: int = 0, place: str = "", remedy: str = "") -> None:
        super().__init__(f"reverted: {reason}", number=number, place=place, remedy=remedy)
        self.reason = reason


class RefusedError(LeverdError):
    """The node would not take the transaction; `reason` is a `Refusal` word."""

    family = "LVD-SND"

    def __init__(self, reason: str, message: str, *, number: int = 0) -> None:
        super().__init__(message, number=number)
        self.reason = reason


class StaleError(LeverdError):
    """An input is older than its limit."""

    family = "LVD-OLD"


class ImpossibleError(LeverdError):
    """A state that cannot exist, such as less than nothing."""

    family = "LVD-IMP"


class SecretError(LeverdError):
    """A key or password is missing, wrong, or was given in an unsafe way."""

    family = "LVD-KEY"
    exit_code = 2


class SigningRefusedError(LeverdError):
    """The signer's allow-list does not cover this transaction."""

    family = "LVD-SGN"


class JournalError(LeverdError):
    """The journal cannot be used."""

    family = "LVD-JRN"
    exit_code = 5


class JournalDamagedError(JournalError):
    """An entry does not parse or an id is missing."""


class JournalForeignError(JournalError):
    """The journal is bound to another chain or deployment."""


class JournalLockedError(JournalError):
    """Another process holds the journal or signs for the key."""


class JournalRefusedError(JournalError):
    """The server of a journal's copy answers, and will not do what is asked; later it may."""


class DiskFullError(JournalError):
    """An append could not be made durable."""


class HaltedError(LeverdError):
    """Trading is halted until a human resumes it."""

    family = "LVD-HLT"
    exit_code = 4


class OwnerError(LeverdError):
    """The command cannot be done as asked; nothing was changed."""

    family = "LVD-OWN"


class ApiError(LeverdError):
    """The API cannot answer a request as it was made; nothing was changed."""

    family = "LVD-API"
