// Sentences and figures that the editor shows. Pure: `t` translates, the caller passes it.

import { RequestFailed } from "./http";
import type { Model } from "./model";
import type { Place } from "./places";
import type { Alert, Held, Run, Server, Severity } from "./wire";

/** Translates a sentence with `{0}` holes. */
export type Translate = (sentence: string, ...values: (string | number)[]) => string;

export type Look = "calm" | "warning" | "error" | "away";

export interface Bar {
  readonly text: string;
  readonly look: Look;
}

/** The status bar: CPU and memory, and how things are by its background. */
export function statusBar(model: Model, t: Translate): Bar {
  if (model.link !== "connected") {
    return { text: "$(pulse) –", look: "away" };
  }
  const { snapshot, firing } = model;
  const figures = `${percent(snapshot?.cpu_percent)} · ${percent(snapshot?.memory_percent)}`;
  if (firing.some((alert) => alert.severity === "critical")) {
    return { text: `$(pulse) ${figures}`, look: "error" };
  }
  const restless = model.held.length + model.questions.length > 0;
  const held = model.held.length > 0 ? ` $(debug-pause) ${t("{0} held", model.held.length)}` : "";
  const warns = restless || firing.some((alert) => alert.severity === "warning");
  return { text: `$(pulse) ${figures}${held}`, look: warns ? "warning" : "calm" };
}

/** Lines of Markdown: the sentence, the largest jobs, servers, what is held. Values are escaped. */
export function tooltip(model: Model, t: Translate): string {
  if (model.link !== "connected") {
    return escaped(absence(model, t));
  }
  const { status } = model;
  const lines = [`**${escaped(status?.headline ?? "OmniTray")}**`];
  if (status?.detail) {
    lines.push("", escaped(status.detail));
  }
  section(lines, t("Largest jobs"), model.jobs.map((job) => `${job.title}: ${percent(job.cpu_percent)}, ${size(job.pss_bytes ?? job.rss_bytes)}`));
  section(lines, t("Servers"), model.servers.map((server) => `${server.name}: ${serverState(server, t)}`));
  section(lines, t("Held"), model.held.map((held) => `${held.title}: ${heldState(held, t)}`));
  return lines.join("\n");
}

function section(lines: string[], title: string, rows: readonly string[]): void {
  if (rows.length > 0) {
    lines.push("", escaped(title), "", ...rows.map((row) => `- ${escaped(row)}`));
  }
}

export function absence(model: Model, t: Translate): string {
  switch (model.link) {
    case "connecting":
      return t("Connecting to OmniTray …");
    case "refused":
      return refusal(model.why, t);
    default:
      return t("OmniTray is not running. Start it, and this turns into its figures.");
  }
}

/** Why a connection is refused: the status of the answer. */
function refusal(status: string, t: Translate): string {
  switch (status) {
    case "401":
      return t("OmniTray does not know the token of api.json.");
    case "429":
    case "503":
      return t("OmniTray has as many connections as it takes.");
    default:
      return t("OmniTray refused it ({0}).", status);
  }
}

/** Why a request failed; of a refusal OmniTray's own sentence. */
export function failureText(error: unknown, t: Translate): string {
  if (!(error instanceof RequestFailed)) {
    return t("OmniTray does not answer.");
  }
  return error.message || refusal(String(error.status), t);
}

/** A failing test as a problem of its file. */
export function problemText(place: Place, t: Translate): string {
  return `${place.test}: ${place.error || t("The test fails.")}`;
}

export function severityWord(severity: Severity, t: Translate): string {
  switch (severity) {
    case "critical":
      return t("critical");
    case "warning":
      return t("warning");
    case "info":
      return t("info");
  }
}

function stateWord(state: Alert["state"], t: Translate): string {
  switch (state) {
    case "firing":
      return t("firing");
    case "acknowledged":
      return t("acknowledged");
    case "resolved":
      return t("resolved");
  }
}

export function serverState(server: Server, t: Translate): string {
  const behind = server.detail || server.last_exit?.reason;
  const why = behind ? `, ${behind}` : "";
  switch (server.state) {
    case "up":
      return server.up_since ? t("up since {0}", clock(server.up_since)) : t("up");
    case "starting":
      return t("starting");
    case "slow":
      return t("slow to start");
    case "down":
      return t("down") + why;
    case "restarting":
      return (server.restarts > 0 ? t("restart {0}", server.restarts) : t("restarting")) + why;
    case "crash_loop":
      return t("crash loop") + why;
    case "foreign":
      return t("port taken");
    case "stopped":
      return t("stopped");
    default:
      return server.state.replaceAll("_", " ") + why; // of a newer OmniTray
  }
}

export function heldState(held: Held, t: Translate): string {
  switch (held.grip) {
    case "paused":
      return t("paused since {0}", clock(held.since));
    default:
      return t("slowed down since {0}", clock(held.since));
  }
}

export function runState(run: Run, t: Translate): string {
  const parts = [run.verdict || run.state, duration(run.took_s)];
  if (run.peak_bytes > 0) {
    const peak = size(run.peak_bytes);
    parts.push(run.last_peak_bytes === null ? peak : t("{0}, last {1}", peak, size(run.last_peak_bytes)));
  }
  return parts.join(", ");
}

/** The text of a pop-up: what happened, and how many others wait behind it. Nothing in it is a link. */
export function popUpText(title: string, message: string, waiting: number, t: Translate): string {
  const dot = /[.!?…:]$/.test(title) ? "" : ".";
  const said = message && message !== title ? `${title}${dot} ${message}` : title;
  const more = waiting > 0 ? ` (${t("{0} more", waiting)})` : "";
  return withoutLinks(shortened(said, 400)) + more;
}

/**
 * The editor makes `[words](target)` of a message a link, and a command of one whose target is
 * `command:…`. There is no escape, so that a space goes between.
 */
export function withoutLinks(text: string): string {
  return text.replaceAll("](", "] (");
}

/** For a message of the status bar, where `$(name)` is a picture. */
export function withoutIcons(text: string): string {
  return text.replaceAll("$(", "\\$(");
}

/** The whole alert as a document: what, when, who, which channels took it, and what came before. */
export function details(alert: Alert, others: readonly Alert[], t: Translate): string {
  const lines = [
    alert.title,
    "=".repeat(Math.min(alert.title.length, 80)),
    "",
    ...(alert.message ? [alert.message, ""] : []),
    row(t("Severity"), severityWord(alert.severity, t)),
    row(t("State"), stateWord(alert.state, t)),
    row(t("Type"), alert.type),
    row(t("From"), alert.source),
    row(t("First seen"), moment(alert.first_seen)),
    row(t("Last seen"), `${moment(alert.last_seen)}${alert.count > 1 ? ` (${t("{0} times", alert.count)})` : ""}`),
    ...(alert.resolved_at ? [row(t("Resolved"), moment(alert.resolved_at))] : []),
    row(t("Taken by"), alert.channels.length > 0 ? alert.channels.join(", ") : t("no channel")),
    row("ID", alert.id),
  ];
  const { log_tail, stack, culprits, actions, ...facts } = alert.context;
  part(lines, t("Culprits"), list(culprits).map(culprit));
  part(lines, t("Done"), list(actions).map(action));
  part(lines, t("Facts"), Object.entries(facts).flatMap(([name, value]) => fact(name, value)));
  for (const [title, value] of [
    [t("Log"), log_tail],
    [t("Stack"), stack],
  ] as const) {
    const text = Array.isArray(value) ? value.map(plain).join("\n") : plain(value);
    if (value !== undefined && text) {
      lines.push("", title, "-".repeat(title.length), text);
    }
  }
  const before = others.filter((each) => each.id !== alert.id && each.type === alert.type && each.source === alert.source);
  part(
    lines,
    t("History"),
    before.slice(0, 20).map((each) => `${moment(each.last_seen)}  ${stateWord(each.state, t).padEnd(12)}  ${each.title}`),
  );
  return `${lines.join("\n")}\n`;
}

function part(lines: string[], title: string, rows: readonly string[]): void {
  if (rows.length > 0) {
    lines.push("", title, "-".repeat(title.length), ...rows.map((each) => `  ${each}`));
  }
}

/** `python3 shop.py: 480 %, 3.1 GB`; what has another shape as it is. */
function culprit(value: unknown): string {
  const { job, cpu, rss_bytes } = (value ?? {}) as Record<string, unknown>;
  if (typeof job !== "string") {
    return plain(value);
  }
  const figures = [
    ...(typeof cpu === "number" ? [percent(cpu)] : []),
    ...(typeof rss_bytes === "number" && rss_bytes > 0 ? [size(rss_bytes)] : []),
  ];
  return figures.length > 0 ? `${job}: ${figures.join(", ")}` : job;
}

/** `11/28/2026, 1:58:44 PM  paused make (you)`; what has another shape as it is. */
function action(value: unknown): string {
  const { at, what, by } = (value ?? {}) as Record<string, unknown>;
  if (typeof what !== "string") {
    return plain(value);
  }
  return `${typeof at === "string" ? `${moment(at)}  ` : ""}${what}${typeof by === "string" && by ? ` (${by})` : ""}`;
}

function row(name: string, value: string): string {
  return `${`${name}:`.padEnd(14)} ${value}`;
}

function fact(name: string, value: unknown): string[] {
  const items = list(value);
  if (items.length > 0) {
    return [`${name}:`, ...items.map((each) => `  - ${plain(each)}`)];
  }
  const isPercent = ["cpu", "memory", "disk"].includes(name) && typeof value === "number";
  return [`${name}: ${isPercent ? percent(value) : plain(value)}`];
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A JSON value on one line, as a person reads it. */
export function plain(value: unknown): string {
  if (typeof value === "string") {
    return value;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.entries(value)
      .map(([name, each]) => `${name} ${plain(each)}`)
      .join(", ");
  }
  return JSON.stringify(value);
}

export function percent(value: number | null | undefined): string {
  return typeof value === "number" ? `${Math.round(value)} %` : "– %";
}

/** Decimal units, as OmniTray's window has them. */
export function size(bytes: number): string {
  if (bytes >= 1e9) {
    return `${(bytes / 1e9).toFixed(1)} GB`;
  }
  return `${Math.round(bytes / 1e6)} MB`;
}

export function duration(seconds: number): string {
  if (seconds < 90) {
    return `${Math.round(seconds)} s`;
  }
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

export function clock(at: string): string {
  const when = new Date(at);
  return Number.isNaN(when.getTime()) ? at : when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

function moment(at: string): string {
  const when = new Date(at);
  return Number.isNaN(when.getTime()) ? at : when.toLocaleString();
}

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/**
 * Markdown's signs as they are: a process may have any name. All of ASCII's signs, as every one
 * may be escaped (CommonMark, 2.4) and addresses become links without any markup.
 */
export function escaped(text: string): string {
  return text.replace(/[!-/:-@[-`{-~]/g, "\\$&").replace(/\s+/g, " ");
}
