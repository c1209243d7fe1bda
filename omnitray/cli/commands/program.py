"""``token``, ``settings``, ``doctor``, ``service`` and others: about OmniTray itself."""

import argparse

import msgspec

from omnitray.api.wire import Done, TokenBody
from omnitray.base.paths import own_command, resource
from omnitray.cli.dispatch import CommandContext


def token(args: argparse.Namespace, context: CommandContext) -> int:
    """Say where the token is, or make a new one; it is never printed."""
    if not args.rotate:
        address = context.remote().address
        where = {"url": address.url, "file": str(context.paths.api_file)}
        if args.json:
            context.terminal.json(msgspec.json.encode(where))
        else:
            context.terminal.whole(f"the token of {address.url} is in {where['file']}")
        return 0
    if context.post("/token/rotate", None, TokenBody, as_json=args.json) is not None:
        context.terminal.line("there is a new token; open sockets were closed")
    return 0


def quit_program(args: argparse.Namespace, context: CommandContext) -> int:
    """End the program that runs; what it holds is restored first."""
    done = context.post("/quit", None, Done, as_json=args.json)
    if done is not None:
        context.terminal.line("OmniTray ends")
    return 0


def doctor(args: argparse.Namespace, context: CommandContext) -> int:
    """What works here and what does not; 1 when something fails."""
    from omnitray.cli.doctor import FindingVerdict, levers, run  # noqa: PLC0415 - needed here alone
    from omnitray.settings.file import load  # noqa: PLC0415 - as above

    limits = load(context.paths.config_file).settings.protect_policy().limits
    findings = run(context.paths, lambda: levers(limits))
    if args.json:
        context.terminal.json(msgspec.json.encode({"findings": findings}))
    else:
        colours = {
            FindingVerdict.OK: "ok",
            FindingVerdict.WARN: "warning",
            FindingVerdict.FAIL: "critical",
        }
        for finding in findings:
            text = f"{finding.verdict.value:<4}  {finding.sentence}"
            context.terminal.whole(context.terminal.wrapped(text, 6, colours[finding.verdict]))
    return int(any(finding.verdict is FindingVerdict.FAIL for finding in findings))


def completion(args: argparse.Namespace, context: CommandContext) -> int:
    """Print the completion script of a shell."""
    import shtab  # noqa: PLC0415 - needed here alone

    from omnitray.cli.parser import build_parser  # noqa: PLC0415 - it imports us by name

    def completer(kind: str) -> object:
        return shtab.FILE if kind == "file" else _offered_now(kind)

    script = shtab.complete(build_parser(completer), args.shell)
    if args.json:
        report = {"shell": args.shell, "script": script}
        context.terminal.json(msgspec.json.encode(report))
    else:
        context.terminal.whole(script)
    return 0


def _offered_now(kind: str) -> dict[str, object]:
    """What each shell does at each Tab for a kind of value, with the word before it.

    WORKAROUND for shtab 1.13: in zsh the command of ``shtab.cmd`` runs once, when the script is
    loaded, and what it has said then is offered for as long as that shell lives. It can go when
    ``shtab.cmd`` asks at each Tab and hands over the word before.
    """
    from omnitray.cli.values import ENTRY  # noqa: PLC0415 - needed here alone

    ask, quiet = f"omnitray {ENTRY} {kind}", "2>/dev/null"
    name = f"_omnitray_{kind}"
    bash = f'compgen -W "$({ask} "${{COMP_WORDS[COMP_CWORD-1]}}" {quiet})" -- "$1"'
    zsh = f'compadd -- ${{(f)"$({ask} "$words[CURRENT-1]" {quiet})"}}'
    return {
        "bash": name,
        "zsh": name,
        "fish": f"({ask} (commandline -opc)[-1] {quiet})",
        "preamble": {"bash": f"{name}() {{ {bash}; }}", "zsh": f"{name}() {{ {zsh}; }}"},
    }


def service(args: argparse.Namespace, context: CommandContext) -> int:
    """Write, remove or look at the service that runs OmniTray headless; say what was done."""
    from omnitray import platforms  # noqa: PLC0415 - needed here alone

    template = resource("service/omnitray.service").read_text(encoding="utf-8")
    service = platforms.current().service(own_command(), template)
    steps = {"install": service.install, "remove": service.remove, "status": service.status}
    found = steps[args.what]()
    if args.json:
        context.terminal.json(msgspec.json.encode(found))
    for phrase in () if args.json else found.done:
        context.terminal.whole(phrase)
    return 0 if found.works else 1
