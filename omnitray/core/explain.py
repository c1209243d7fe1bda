"""Why this one: explanations in plain words and figures, for an action and for this moment.

The same words go to the window, the alert and the command line. Everything is read from what was
decided; nothing is decided here.
"""

from collections.abc import Iterable

from omnitray.core.facts import Resource
from omnitray.core.identity import Rung
from omnitray.core.protection import Action, Candidate, Signal
from omnitray.core.protection_view import Considered, Effect, Explanation
from omnitray.core.scene import Scene
from omnitray.core.victims import choose

_CHOSEN = {
    Rung.TELL: "told about",
    Rung.SLOW_DOWN: "slowed down",
    Rung.PAUSE: "paused",
    Rung.END: "ended",
}
_SHORT = {Resource.CPU: "CPU", Resource.MEMORY: "memory", Resource.DISK: "disk"}
_FIGURES = {
    Signal.CPU: "The CPU was at {value:.0f} %, the limit is {threshold:.0f} %",
    Signal.MEMORY: "{value:.0f} % of the memory was used, the limit is {threshold:.0f} %",
    Signal.MEMORY_LEFT: "{value:.1f} % of the memory was left, the floor is {threshold:.0f} %",
    Signal.MEMORY_PRESSURE: "Memory pressure was {value:.0f} %, the limit is {threshold:.0f} %",
    Signal.DISK: "The disk was {value:.0f} % full, the limit is {threshold:.0f} %",
    Signal.FORECAST: "It was going to be full in {value:.0f} s, {threshold:.0f} s is the limit",
}


def explanation_of(action: Action, effects: Iterable[Effect] = ()) -> Explanation:
    """Why this was done, who was spared and why, and what it did for the machine."""
    chosen = _CHOSEN[action.rung]
    would = "would have been " if action.dry_run else ""
    return Explanation(
        action_id=action.id,
        title=action.title or action.mount or "the machine",
        text=" ".join(_sentences(action)),
        considered=tuple(_considered(each, f"{would}{chosen}") for each in action.considered),
        effects=tuple(effects),
    )


def explanation_now(scene: Scene) -> Explanation:
    """Who would be acted on now, in which order, and who would be spared. Changes nothing."""
    resource = _scarcest(scene)
    choice = choose(scene, resource, Rung.SLOW_DOWN)
    words = [_moment(scene)]
    if choice.job is None:
        words.append("Nobody would be acted on.")
    else:
        words.append(
            f"If {_SHORT[resource]} ran short now, {choice.job.title} would be slowed down first."
        )
    return Explanation(
        action_id="",
        title=choice.job.title if choice.job else "Nobody",
        text=" ".join(words),
        considered=tuple(_considered(each, "would be first") for each in choice.considered),
    )


def _sentences(action: Action) -> list[str]:
    evidence = action.evidence
    figure = _FIGURES[evidence.signal].format(value=evidence.value, threshold=evidence.threshold)
    held = f", for {evidence.held_s:.0f} s" if evidence.held_s >= 1 else ""
    reason = action.reason.sentence
    return [f"{figure}{held}.", f"{reason[:1].upper()}{reason[1:]}.", *_share(action)]


def _share(action: Action) -> list[str]:
    """What the chosen one took, in figures."""
    mine = next((each for each in action.considered if each.spared is None), None)
    if mine is None:
        return []
    parts = [f"{mine.rss_bytes / 1e9:.1f} GB of memory"]
    if mine.cpu_percent is not None:
        parts.append(f"{mine.cpu_percent / 100:.1f} processors")
    if (mine.growth_bps or 0) > 1e6:  # noqa: PLR2004 - under 1 MB/s is standing still
        parts.append(f"and grew by {(mine.growth_bps or 0) / 1e6:.0f} MB/s")
    return [f"{mine.title} took {', '.join(parts)}."]


def _considered(each: Candidate, chosen: str) -> Considered:
    return Considered(
        title=each.title,
        rss_bytes=each.rss_bytes,
        growth_bps=each.growth_bps,
        cpu_percent=each.cpu_percent,
        verdict=each.spared.sentence if each.spared else chosen,
        chosen=each.spared is None,
    )


def _scarcest(scene: Scene) -> Resource:
    """What is nearest to its limit: CPU or memory."""
    reading, limits = scene.facts.reading, scene.limits
    cpu = (reading.cpu_percent or 0.0) / limits.cpu_percent
    return (
        Resource.CPU
        if cpu >= reading.memory.used_percent / limits.memory_percent
        else (Resource.MEMORY)
    )


def _moment(scene: Scene) -> str:
    reading, limits = scene.facts.reading, scene.limits
    cpu = "unknown" if reading.cpu_percent is None else f"{reading.cpu_percent:.0f} %"
    return (
        f"CPU {cpu} (limit {limits.cpu_percent:.0f} %), memory {reading.memory.used_percent:.0f} % "
        f"used (limit {limits.memory_percent:.0f} %)."
    )
