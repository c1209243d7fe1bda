// What comes over the wire, as far as the editor uses it (docs/api.md).
//
// Each value is read field by field: a newer OmniTray may send more, less, or other words, and
// what is not understood costs that field alone.

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
  readonly title: string;
  readonly text: string;
  readonly answers: readonly string[];
  readonly unanswered: string;
}

/** `state` is stopped, starting, slow, up, down, restarting, crash_loop, foreign, or a newer word. */
export interface Server {
  readonly name: string;
  readonly state: string;
  readonly pid: number | null;
  readonly up_since: string | null;
  readonly restarts: number;
  readonly last_exit: { readonly reason: string } | null;
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
  readonly title: string;
  readonly cpu_percent: number | null;
  readonly rss_bytes: number;
  readonly pss_bytes: number | null;
}

export interface Run {
  readonly id: string;
  readonly name: string;
  readonly project: string | null;
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
  readonly mode: string;
  readonly level: string;
  readonly headline: string;
  readonly detail: string;
  readonly snapshot: Snapshot | undefined;
  readonly notifications_paused_until: string | null;
}

export interface Message {
  readonly event: string;
}

type Fields = Readonly<Record<string, unknown>>;

export function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function figure(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

function figureOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

/** The rows under a name of an answer, without those that have no identity. */
export function rows<T>(answer: unknown, name: string, read: (value: unknown) => T | undefined): T[] {
  const found = fields(answer)[name];
  return Array.isArray(found) ? found.map(read).filter((each) => each !== undefined) : [];
}

export function alertOf(value: unknown): Alert | undefined {
  const { id, severity, state, resolved_at, ...found } = fields(value);
  if (!text(id)) {
    return undefined;
  }
  const over = resolved_at ? "resolved" : "firing";
  return {
    id: text(id),
    type: text(found.alert_type) || text(found.type), // over the WebSocket `type` is that of the event
    severity: severity === "info" || severity === "critical" ? severity : "warning",
    state: state === "firing" || state === "acknowledged" || state === "resolved" ? state : over,
    title: text(found.title),
    message: text(found.message),
    source: text(found.source),
    count: figure(found.count),
    first_seen: text(found.first_seen),
    last_seen: text(found.last_seen),
    resolved_at: textOrNull(resolved_at),
    context: fields(found.context),
    channels: texts(found.channels),
  };
}

export function questionOf(value: unknown): Question | undefined {
  const found = fields(value);
  const { id, title, text: asks, answers, unanswered } = found;
  return text(id)
    ? { id: text(id), title: text(title), text: text(asks), answers: texts(answers), unanswered: text(unanswered) }
    : undefined;
}

export function serverOf(value: unknown): Server | undefined {
  const found = fields(value);
  return text(found.name)
    ? {
        name: text(found.name),
        state: text(found.state),
        pid: figureOrNull(found.pid),
        up_since: textOrNull(found.up_since),
        restarts: figure(found.restarts),
        last_exit: found.last_exit ? { reason: text(fields(found.last_exit).reason) } : null,
        detail: text(found.detail),
        command: texts(found.command),
        cwd: text(found.cwd),
      }
    : undefined;
}

export function heldOf(value: unknown): Held | undefined {
  const { action_id, title, grip, since, means, why, undoable } = fields(value);
  return text(action_id)
    ? {
        action_id: text(action_id),
        title: text(title),
        grip: text(grip),
        since: text(since),
        means: text(means),
        why: text(why),
        undoable: undoable === true,
      }
    : undefined;
}

export function jobOf(value: unknown): Job | undefined {
  const { title, cpu_percent, rss_bytes, pss_bytes } = fields(value);
  return text(title)
    ? {
        title: text(title),
        cpu_percent: figureOrNull(cpu_percent),
        rss_bytes: figure(rss_bytes),
        pss_bytes: figureOrNull(pss_bytes),
      }
    : undefined;
}

export function runOf(value: unknown): Run | undefined {
  const found = fields(value);
  return text(found.id)
    ? {
        id: text(found.id),
        name: text(found.name),
        project: textOrNull(found.project),
        took_s: figure(found.took_s),
        peak_bytes: figure(found.peak_bytes),
        last_peak_bytes: figureOrNull(found.last_peak_bytes),
        state: text(found.state),
        verdict: text(found.verdict),
      }
    : undefined;
}

export function snapshotOf(value: unknown): Snapshot {
  const { cpu_percent, memory_percent } = fields(value);
  return { cpu_percent: figureOrNull(cpu_percent), memory_percent: figureOrNull(memory_percent) };
}

export function statusOf(value: unknown): Status {
  const { mode, level, headline, detail, monitor, alerts } = fields(value);
  const { snapshot } = fields(monitor);
  return {
    mode: text(mode),
    level: text(level),
    headline: text(headline),
    detail: text(detail),
    snapshot: snapshot ? snapshotOf(snapshot) : undefined,
    notifications_paused_until: textOrNull(fields(alerts).notifications_paused_until),
  };
}
