"""The code in the recipes of CONTRIBUTING, as it is printed there."""

import re
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[2] / ".github" / "CONTRIBUTING.md"


def code_of(recipe: str) -> list[str]:
    """The Python blocks under this heading, without the indent of their list."""
    text = GUIDE.read_text(encoding="utf-8").split(f"## {recipe}\n", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    return [re.sub(r"^ {3}", "", block, flags=re.MULTILINE) for block in blocks]
