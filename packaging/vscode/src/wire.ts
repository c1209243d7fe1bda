// What comes over the wire, as far as the editor uses it (docs/api.md).

export type Severity = "info" | "warning" | "critical";

export interface Alert {
  readonly id: string;
  readonly type: string;
  readonly severity: Severity;
  readonly state: "firing" | "acknowledged" | "resolved";
  readonly title: string;
  readonly message: string;
  readonly source: string;
  readonly count: number;
  readonly first_seen: string;
  readonly last_seen: string;
  readonly resolved_at: string | null;
  readonly context: Readonly<Record<string, unknown>>;
  readonly channels: readonly string[];
}

export interface Question {
  readonly id: string;
  readonly job: string;
  readonly title: string;
  readonly text: string;
  readonly answers: readonly string[];
  readonly deadline: string | null;
  readonly unanswered: string;
}

export interface Server {
  readonly name: string;
  readonly state: "stopped" | "starting" | "slow" | "up" | "down" | "restarting" | "crash_loop" | "foreign";
  readonly pid: number | null;
  readonly url: string | null;
  readonly up_since: string | null;
  readonly restarts: number;
  readonly last_exit: { readonly reason: string; readonly at: string } | null;
  readonly detail: string;
  readonly command: readonly string[];
  readonly cwd: string;
}

export interface Held {
  readonly action_id: string;
  readonly title: string;
  readonly grip: string;
  readonly since: string;
  readonly means: string;
  readonly why: string;
  readonly undoable: boolean;
}

export interface Job {
  readonly key: string;
  readonly title: string;
  readonly cpu_percent: number | null;
  readonly rss_bytes: number;
  readonly pss_bytes: number | null;
}

export interface Run {
  readonly id: string;
  readonly name: string;
  readonly project: string | null;
  readonly started_at: string;
  readonly took_s: number;
  readonly peak_bytes: number;
  readonly last_peak_bytes: number | null;
  readonly state: string;
  readonly verdict: string;
}

export interface Snapshot {
  readonly cpu_percent: number | null;
  readonly memory_percent: number | null;
}

export interface Status {
  readonly version: string;
  readonly mode: string;
  readonly level: string;
  readonly mood: string;
  readonly headline: string;
  readonly detail: string;
  readonly monitor: { readonly snapshot: Snapshot | null };
  readonly alerts: { readonly notifications_paused_until: string | null };
}

export interface Message {
  readonly event: string;
}
