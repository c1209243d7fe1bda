// The four lists of the activity bar: alerts, servers, runs, what is held.

import * as vscode from "vscode";

import type { Model } from "./model";
import { failures } from "./places";
import { clock, heldState, runState, serverState, severityWord, type Translate } from "./text";
import type { Alert, Held, Question, Run, Server } from "./wire";

const t: Translate = (sentence, ...values) => vscode.l10n.t(sentence, ...values);
const MOST_RESOLVED = 30;

export class ResolvedGroup {
  constructor(readonly alerts: readonly Alert[]) {}
}

export type Row = Alert | Question | ResolvedGroup | Server | Run | Held;

abstract class Rows<T extends Row> implements vscode.TreeDataProvider<T> {
  private readonly changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changed.event;

  constructor(protected readonly model: Model) {}

  /** Show again what this list is made of, where that is another now: rows under the pointer stay. */
  refresh(): void {
    const now = [this.model.link, ...this.parts()];
    if (now.some((each, at) => each !== this.shown[at])) {
      this.shown = now;
      this.changed.fire(undefined);
    }
  }

  private shown: unknown[] = [];
  protected abstract parts(): unknown[];
  abstract getTreeItem(row: T): vscode.TreeItem;
  abstract getChildren(row?: T): T[];
}

export class AlertRows extends Rows<Alert | Question | ResolvedGroup> {
  protected override parts(): unknown[] {
    return [this.model.alerts, this.model.questions];
  }

  override getChildren(row?: Alert | Question | ResolvedGroup): (Alert | Question | ResolvedGroup)[] {
    if (row instanceof ResolvedGroup) {
      return [...row.alerts];
    }
    if (row || this.model.link !== "connected") {
      return [];
    }
    const resolved = this.model.resolved.slice(0, MOST_RESOLVED);
    const group = resolved.length > 0 ? [new ResolvedGroup(resolved)] : [];
    return [...this.model.questions, ...this.model.open, ...group];
  }

  override getTreeItem(row: Alert | Question | ResolvedGroup): vscode.TreeItem {
    if (row instanceof ResolvedGroup) {
      const group = new vscode.TreeItem(t("Resolved"), vscode.TreeItemCollapsibleState.Collapsed);
      group.id = "resolved";
      group.description = String(row.alerts.length);
      return group;
    }
    if ("answers" in row) {
      const question = item(row.title, row.text, "question", "editorInfo.foreground");
      question.contextValue = "question";
      question.command = { command: "omnitray.question.answer", title: t("Answer"), arguments: [row] };
      return question;
    }
    const times = row.count > 1 ? `, ${t("{0} times", row.count)}` : "";
    const alert = item(row.title, row.message, ...alertIcon(row));
    alert.id = `${row.id}:${row.state}`;
    alert.description = `${clock(row.last_seen)}${times}${row.state === "acknowledged" ? `, ${t("acknowledged")}` : ""}`;
    alert.contextValue = `alert ${row.state}${failures(row).length > 0 ? " place" : ""}`;
    alert.command = { command: "omnitray.alert.details", title: t("Show details"), arguments: [row] };
    alert.accessibilityInformation = { label: `${severityWord(row.severity, t)}: ${row.title}, ${alert.description}` };
    return alert;
  }
}

function alertIcon(alert: Alert): [string, string?] {
  if (alert.state !== "firing") {
    return [alert.state === "resolved" ? "pass" : "check"];
  }
  switch (alert.severity) {
    case "critical":
      return ["error", "problemsErrorIcon.foreground"];
    case "warning":
      return ["warning", "problemsWarningIcon.foreground"];
    case "info":
      return ["info", "problemsInfoIcon.foreground"];
  }
}

export class ServerRows extends Rows<Server> {
  protected override parts(): unknown[] {
    return [this.model.servers];
  }

  override getChildren(row?: Server): Server[] {
    return row || this.model.link !== "connected" ? [] : this.model.servers;
  }

  override getTreeItem(row: Server): vscode.TreeItem {
    const [icon, colour] = serverIcon(row);
    const state = serverState(row, t);
    const server = item(row.name, `${state}\n${row.command.join(" ")}\n${row.cwd}`, icon, colour);
    server.id = row.name;
    server.description = state;
    const lives = ["up", "starting", "slow", "restarting"].includes(row.state);
    server.contextValue = `server ${lives ? "can-restart can-stop" : "can-start"}`;
    server.accessibilityInformation = { label: `${row.name}, ${state}` };
    return server;
  }
}

function serverIcon(server: Server): [string, string?] {
  switch (server.state) {
    case "up":
      return ["pass-filled", "testing.iconPassed"];
    case "starting":
    case "slow":
    case "restarting":
      return ["sync", "editorWarning.foreground"];
    case "down":
    case "crash_loop":
    case "foreign":
      return ["error", "problemsErrorIcon.foreground"];
    case "stopped":
      return ["circle-outline"];
    default:
      return ["question"]; // of a newer OmniTray
  }
}

export class RunRows extends Rows<Run> {
  protected override parts(): unknown[] {
    return [this.model.runs];
  }

  override getChildren(row?: Run): Run[] {
    return row || this.model.link !== "connected" ? [] : this.model.runs;
  }

  override getTreeItem(row: Run): vscode.TreeItem {
    const state = runState(row, t);
    const [icon, colour] = runIcon(row);
    const run = item(row.name, `${state}\n${row.project ?? ""}`, icon, colour);
    run.id = row.id;
    run.description = state;
    return run;
  }
}

function runIcon(run: Run): [string, string?] {
  switch (run.state) {
    case "passed":
      return ["check", "testing.iconPassed"];
    case "running":
      return ["play"];
    case "interrupted":
    case "lost":
      return ["circle-slash"];
    default:
      return ["close", "testing.iconFailed"];
  }
}

export class HeldRows extends Rows<Held> {
  protected override parts(): unknown[] {
    return [this.model.held];
  }

  override getChildren(row?: Held): Held[] {
    return row || this.model.link !== "connected" ? [] : this.model.held;
  }

  override getTreeItem(row: Held): vscode.TreeItem {
    const isPaused = row.grip === "paused";
    const held = item(row.title, `${row.why}\n${row.means}`, isPaused ? "debug-pause" : "arrow-down", "editorWarning.foreground");
    held.id = row.action_id;
    held.description = heldState(row, t);
    held.contextValue = row.undoable ? "held" : "";
    return held;
  }
}

function item(label: string, more: string, icon: string, colour?: string): vscode.TreeItem {
  const made = new vscode.TreeItem(label);
  made.tooltip = more ? `${label}\n${more}` : label;
  made.iconPath = new vscode.ThemeIcon(icon, colour ? new vscode.ThemeColor(colour) : undefined);
  return made;
}

