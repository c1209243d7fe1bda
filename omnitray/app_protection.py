"""The protector's parts, put together on the threads that they belong to.

A part of the composition root. Each method is called by the thread that is to own what it makes:
descriptors, journals and libraries of the system are used from one thread alone.
"""

import os
import time
from pathlib import Path

import msgspec

from omnitray.base.clock import Clock
from omnitray.base.paths import Paths
from omnitray.cleanup.cleaner import CacheCleaner
from omnitray.cleanup.search import places
from omnitray.monitor.monitor import ProgressiveMonitor
from omnitray.platforms import Platform
from omnitray.processes.inspector import Inspector
from omnitray.processes.jobs import JobTracker
from omnitray.processes.process_table import ProcessDetails
from omnitray.protector.actuators.executor import Actions
from omnitray.protector.actuators.journal import Journal
from omnitray.protector.actuators.report_executor import Executor
from omnitray.protector.engine import Protecting
from omnitray.protector.environment import Around
from omnitray.protector.exclusions.newborn import spares
from omnitray.protector.exclusions.rules import Protection as ProtectedPrograms
from omnitray.protector.inspection import CloseLooker
from omnitray.protector.latency import LatencyProbe
from omnitray.protector.oom_events.daemons import Neighbour, neighbours
from omnitray.protector.protector import ResourceProtector
from omnitray.runtime.protection_worker import Engine
from omnitray.runtime.settings_keeper import SettingsKeeper


class ProtectionParts(msgspec.Struct, frozen=True, kw_only=True):
    """What everything that protects is made from."""

    platform: Platform
    paths: Paths
    clock: Clock
    settings: SettingsKeeper
    monitor: ProgressiveMonitor

    def engine(self) -> Engine:
        """What decides and acts; for the protector's thread."""
        platform = self.platform
        journal = Journal(self.paths.actions_journal, self.paths.run / "actions.jsonl")
        system = platform.system()
        levers = platform.levers(system)
        guardian = platform.guardian(self.paths.actions_journal)
        details = platform.process_details()
        spared = spares(self._programs(), details, self._protected)
        actions = Actions(journal, levers, system, self.clock, guardian, spared)
        source = platform.guard_source()
        around = Around(
            neighbours=lambda: self._neighbours(details),
            logs=platform.foreign_logs(),
            is_there=system.is_there,
            foreground=platform.foreground(),
        )
        protecting = Protecting(
            source=source,
            scan=platform.process_table().scan,
            jobs=JobTracker(details, self.clock, Path.home()),
            inspector=Inspector(details, platform.ties_of(), details.written_bytes),
            protector=self._protector(),
            executor=Executor(actions, self.clock),
            probe=LatencyProbe(time.perf_counter, time.sleep),
            own=platform.own_facts,
            cores=os.cpu_count() or 1,
            policy=self.settings.loaded.settings.protect_policy(),
            around=around,
        )
        return Engine(
            protecting, actions, journal, source, lambda: platform.check_levers(levers, system)
        )

    def looker(self) -> CloseLooker:
        """What looks closely at what a page shows; for the thread that looks."""
        details = self.platform.process_details()
        return CloseLooker(details, self._programs(), self.platform.own_facts, self.clock)

    def cleaner(self) -> CacheCleaner:
        """What cleans caches; for the thread that cleans."""
        return CacheCleaner(
            places(Path.home(), dict(os.environ)),
            tools=self.platform.programs(),
            clock=self.clock,
            open_files=self.platform.open_files,
            mount_of=self.platform.mount_id,
        )

    def _protector(self) -> ResourceProtector:
        return ResourceProtector(
            os.urandom(3).hex(),
            programs=self.platform.protected_programs(),
            home=str(Path.home()),
            resolve=os.path.realpath,
        )

    def _programs(self) -> ProtectedPrograms:
        home = str(Path.home())
        return ProtectedPrograms(self.platform.protected_programs(), home, os.path.realpath)

    def _protected(self) -> tuple[str, ...]:
        """What the person protects, as the settings say it now."""
        return self.settings.loaded.settings.protect.protected

    def _neighbours(self, details: ProcessDetails) -> tuple[Neighbour, ...]:
        """Who else guards this machine, by the monitor's newest scan where there is one."""
        processes = self.monitor.processes or self.platform.process_table().scan()
        return neighbours(processes, details.cmdline, self.platform.small_text)
