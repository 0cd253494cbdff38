"""Alerts to people's phones and chats, by Apprise's hundred services."""

from leverd.adapters.apprise_notifier.notifier import AppriseNotifier
from leverd.adapters.apprise_notifier.outbox import Policy
from leverd.adapters.apprise_notifier.targets import Target, targets_of

__all__ = ["AppriseNotifier", "Policy", "Target", "targets_of"]
