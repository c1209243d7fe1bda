"""Settings: what a person can set, read from ``config.toml`` and saved without loss.

The map: ``model`` (with ``base.policy``) declares the values, ``fields`` is the table derived from
it and the rules between keys, ``check`` one value, ``file`` the file, ``continuity`` what stays in
force when the file changes under a running program.
"""

from omnitray.settings.check import check, parse_text, set_value
from omnitray.settings.continuity import GUARDED, carry_over
from omnitray.settings.faults import Fault, Problem, shown
from omnitray.settings.fields import BY_KEY, FIELDS, RULES, Field, ValueKind, default_of, value_of
from omnitray.settings.file import (
    NO_FILE,
    Loaded,
    Stamp,
    changed,
    load,
    parse,
    remove_webhook,
    save,
    save_server,
    save_webhook,
    stamp_of,
)
from omnitray.settings.model import (
    ApiSettings,
    Settings,
    TraySettings,
)
from omnitray.settings.rules import rule_text
from omnitray.settings.servers import ServerSettings
from omnitray.settings.webhooks import WebhookSettings

__all__ = [
    "BY_KEY",
    "FIELDS",
    "GUARDED",
    "NO_FILE",
    "RULES",
    "ApiSettings",
    "Fault",
    "Field",
    "Loaded",
    "Problem",
    "ServerSettings",
    "Settings",
    "Stamp",
    "TraySettings",
    "ValueKind",
    "WebhookSettings",
    "carry_over",
    "changed",
    "check",
    "default_of",
    "load",
    "parse",
    "parse_text",
    "remove_webhook",
    "rule_text",
    "save",
    "save_server",
    "save_webhook",
    "set_value",
    "shown",
    "stamp_of",
    "value_of",
]
