"""The table of all settings as the guide shows it, made from the one table of the program.

python -m support.settings_table    # from tests/, prints it
"""

from typing import Any

from omnitray.settings.model import FIELDS, Field, default_of


def settings_table() -> str:
    """Markdown: key, default, what may stand there, what it means."""
    rows = ["| key | default | allowed | what it means |", "|---|---|---|---|"]
    return "\n".join(rows + [_row(field) for field in FIELDS])


def _row(field: Field) -> str:
    default = _shown(default_of(field.key)) + (f" {field.unit}" if field.unit else "")
    return f"| `{field.key}` | {default} | {field.allowed} | {field.title}: {field.help} |"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return f'`"{value}"`' if isinstance(value, str) else str(value)


if __name__ == "__main__":
    print(settings_table())  # noqa: T201 - that is what it is for
