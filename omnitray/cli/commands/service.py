"""``service``: write, remove or look at the service that runs OmniTray headless."""

import argparse

import msgspec

from omnitray import platforms
from omnitray.base.invocation import own_command
from omnitray.base.paths import resource
from omnitray.cli.context import CommandContext


def carry_out(args: argparse.Namespace, context: CommandContext) -> int:
    """Do it, and say what was done."""
    template = resource("service/omnitray.service").read_text(encoding="utf-8")
    service = platforms.current().service(own_command(), template)
    found = {"install": service.install, "remove": service.remove, "status": service.status}[
        args.what
    ]()
    if args.json:
        context.terminal.json(msgspec.json.encode(found))
    for phrase in () if args.json else found.done:
        context.terminal.whole(phrase)
    return 0 if found.works else 1
