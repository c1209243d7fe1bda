// What one window of the editor shows and does: status bar, pop-ups, lists, problems, documents.

import * as path from "node:path";

import * as vscode from "vscode";

import { type Model, severityRank } from "./model";
import { concerns, failures, isWithin, projectOf } from "./places";
import { Claims, type Nearness, PopUpQueue } from "./popups";
import { absence, details, failureText, popUpText, problemText, statusBar, tooltip, type Translate, withoutIcons, withoutLinks } from "./text";
import { AlertRows, HeldRows, ResolvedGroup, RunRows, ServerRows } from "./views";
import { type Alert, fields, type Held, type Question, type Server, texts } from "./wire";

export const SCHEME = "omnitray";
const LOOK_MS = 15_000; // jobs and runs have no event of their own
const PAINT_MS = 250; // readings come every 2 s, events in bursts
const SWEEP_MS = 3_600_000;
const SNOOZE_S = 3600;
const LOG_LINES = 500;
const MODES = ["dev", "test", "prod"];
const LEVELS = ["auto", "idle", "normal", "intensive", "critical"];
const t: Translate = (sentence, ...values) => vscode.l10n.t(sentence, ...values);

/** Translated words of the answers to a question. */
function answerWord(answer: string): string {
  switch (answer) {
    case "slow_down":
      return t("Slow down");
    case "pause":
      return t("Pause");
    case "end":
      return t("End");
    case "leave_alone":
      return t("Leave alone");
    case "never_touch":
      return t("Never touch");
    default:
      return answer;
  }
}

export class Window implements vscode.Disposable, vscode.TextDocumentContentProvider {
  private readonly bar = vscode.window.createStatusBarItem("omnitray.bar", vscode.StatusBarAlignment.Right, 1000);
  private readonly problems = vscode.languages.createDiagnosticCollection("omnitray");
  private readonly queue = new PopUpQueue();
  private readonly claims: Claims;
  private readonly disposables: { dispose(): unknown }[] = [];
  private readonly rows;
  private readonly alertsView: vscode.TreeView<Alert | Question | ResolvedGroup>;
  private readonly heldView: vscode.TreeView<Held>;
  private readonly documentChanged = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.documentChanged.event;
  private readonly documents = new Map<string, string>();
  private painting: NodeJS.Timeout | undefined;
  private readonly look: NodeJS.Timeout;
  private readonly sweep: NodeJS.Timeout;
  private contexts: readonly unknown[] = [];
  private shownBar: readonly string[] = [];
  private shownProblems: readonly Alert[] | undefined;

  constructor(
    private readonly model: Model,
    run: string,
    /** Whether this is the far end of a window that stands on a desktop. */
    private readonly isRemote: boolean,
  ) {
    this.claims = new Claims(path.join(run, "vscode"));
    this.claims.sweep();
    this.rows = {
      alerts: new AlertRows(model),
      servers: new ServerRows(model),
      runs: new RunRows(model),
      held: new HeldRows(model),
    };
    this.alertsView = vscode.window.createTreeView("omnitray.alerts", {
      treeDataProvider: this.rows.alerts,
      canSelectMany: true,
    });
    this.heldView = vscode.window.createTreeView("omnitray.held", { treeDataProvider: this.rows.held });
    this.bar.name = "OmniTray";
    this.bar.command = "omnitray.menu";
    this.disposables.push(
      this.bar,
      this.problems,
      this.alertsView,
      this.heldView,
      vscode.window.registerTreeDataProvider("omnitray.servers", this.rows.servers),
      vscode.window.registerTreeDataProvider("omnitray.runs", this.rows.runs),
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
    );
    model.on("change", () => {
      this.soon();
    });
    model.on("fires", (alert) => {
      void this.popUpAlert(alert);
    });
    model.on("asks", (question) => {
      void this.popUpQuestion(question);
    });
    this.look = setInterval(() => {
      if (vscode.window.state.focused && model.link === "connected") {
        void model.readJobs();
        void model.readRuns();
      }
    }, LOOK_MS);
    this.sweep = setInterval(() => {
      this.claims.sweep();
    }, SWEEP_MS);
    this.paint();
    this.bar.show();
  }

  dispose(): void {
    clearTimeout(this.painting);
    clearInterval(this.look);
    clearInterval(this.sweep);
    this.queue.clear();
    for (const each of this.disposables) {
      each.dispose();
    }
  }

  private soon(): void {
    this.painting ??= setTimeout(() => {
      this.painting = undefined;
      this.paint();
    }, PAINT_MS);
  }

  private paint(): void {
    this.paintBar();
    for (const rows of Object.values(this.rows)) {
      rows.refresh();
    }
    const { firing, questions, held, link } = this.model;
    const state = link === "absent" && this.isRemote ? "remote" : link;
    const contexts = [state, firing.length, questions.length, held.length];
    if (contexts.some((each, at) => each !== this.contexts[at])) {
      this.contexts = contexts;
      const waiting = firing.length + questions.length;
      this.alertsView.badge = waiting > 0 ? { value: waiting, tooltip: t("{0} not yet acknowledged", waiting) } : undefined;
      this.heldView.description = held.length > 0 ? String(held.length) : "";
      void vscode.commands.executeCommand("setContext", "omnitray.state", state);
      void vscode.commands.executeCommand("setContext", "omnitray.openAlerts", firing.length > 0);
      void vscode.commands.executeCommand("setContext", "omnitray.anyHeld", held.length > 0);
    }
    if (this.model.alerts !== this.shownProblems) {
      this.shownProblems = this.model.alerts;
      this.paintProblems();
    }
    this.queue.next();
  }

  private paintBar(): void {
    const { text, look } = statusBar(this.model, t);
    const tip = tooltip(this.model, t);
    const said = this.model.link === "connected" ? (this.model.status?.headline ?? "") : absence(this.model, t);
    const bar = [text, look, tip, said];
    if (bar.every((each, at) => each === this.shownBar[at])) {
      return;
    }
    this.shownBar = bar;
    this.bar.text = text;
    this.bar.backgroundColor =
      look === "error" || look === "warning" ? new vscode.ThemeColor(`statusBarItem.${look}Background`) : undefined;
    this.bar.tooltip = new vscode.MarkdownString(tip); // trusted with no command
    this.bar.accessibilityInformation = { label: `OmniTray: ${text.replace(/\$\([^)]*\) ?/g, "")}. ${said}`, role: "button" };
  }

  /** Failing tests that lie in this workspace; each leaves its alert when it has run and passed. */
  private paintProblems(): void {
    const found = new Map<string, vscode.Diagnostic[]>();
    const folders = workspaceFolders();
    for (const alert of this.model.open.filter((each) => each.type === "TEST_FAILED" || each.type === "TEST_TIMEOUT")) {
      for (const place of failures(alert)) {
        if (folders.some((folder) => isWithin(place.file, folder))) {
          const range = new vscode.Range(place.line - 1, 0, place.line - 1, 1000);
          const problem = new vscode.Diagnostic(range, problemText(place, t), vscode.DiagnosticSeverity.Error);
          problem.source = "OmniTray";
          problem.code = alert.type;
          found.set(place.file, [...(found.get(place.file) ?? []), problem]);
        }
      }
    }
    this.problems.clear();
    for (const [file, problems] of found) {
      this.problems.set(vscode.Uri.file(file), problems);
    }
  }

  private nearness(project: string | undefined): Nearness {
    if (concerns(project, workspaceFolders())) {
      return "project";
    }
    return vscode.window.state.focused ? "focused" : "other";
  }

  /** Whether this window shows a pop-up of that name, and notifications are not paused. */
  private async mayShow(name: string, project: string | undefined): Promise<boolean> {
    // A pause has no event of its own. It is asked for beside the claim, which waits for nothing.
    const [isOurs] = await Promise.all([this.claims.take(name, this.nearness(project)), this.model.readStatus()]);
    return isOurs && !this.model.isSnoozed;
  }

  private async popUpAlert(alert: Alert): Promise<void> {
    const from = vscode.workspace.getConfiguration("omnitray").get<string>("popUpFrom", "critical");
    const least = from === "never" ? undefined : severityRank(from as Alert["severity"]);
    if (least === undefined || severityRank(alert.severity) < least) {
      return;
    }
    const project = projectOf(alert, this.model.servers);
    // It may fire again, or become worse: each time is a pop-up of its own.
    if (!(await this.mayShow(`alert ${alert.id} ${alert.severity} ${alert.count}`, project))) {
      return;
    }
    const current = (): Alert => this.model.alerts.find((each) => each.id === alert.id) ?? alert;
    this.queue.offer({
      key: alert.id,
      rank: severityRank(alert.severity),
      isCurrent: () => current().state === "firing" && !this.model.isSnoozed,
      show: async (waiting) => {
        await this.showAlert(current(), waiting);
      },
    });
  }

  private async showAlert(alert: Alert, waiting: number): Promise<void> {
    const server = serverNameOf(alert); // four buttons are what a pop-up has room for
    const goTo = server === undefined && failures(alert).length > 0 ? [t("Go to test")] : [];
    const showLog = server === undefined ? [] : [t("Show log")];
    const text = popUpText(alert.title, alert.message, waiting, t);
    const buttons = [...goTo, ...showLog, t("Show details"), t("Acknowledge"), t("Snooze 1 h")];
    const show = {
      critical: vscode.window.showErrorMessage,
      warning: vscode.window.showWarningMessage,
      info: vscode.window.showInformationMessage,
    }[alert.severity];
    switch (await show(text, ...buttons)) {
      case t("Go to test"):
        await this.goTo(alert);
        break;
      case t("Show log"):
        await this.showLog(server ?? "", alert);
        break;
      case t("Show details"):
        await this.showDetails(alert);
        break;
      case t("Acknowledge"):
        await this.acknowledge([alert]);
        break;
      case t("Snooze 1 h"):
        await this.snooze(SNOOZE_S);
        break;
      default: // closed: the list and the status bar still have it
    }
  }

  private async popUpQuestion(question: Question): Promise<void> {
    if (!vscode.workspace.getConfiguration("omnitray").get<boolean>("questions", true)) {
      return;
    }
    if (!(await this.mayShow(`question ${question.id}`, undefined))) {
      return;
    }
    this.queue.offer({
      key: question.id,
      rank: 3, // it has a deadline
      isCurrent: () => this.model.questions.some((each) => each.id === question.id),
      show: async (waiting) => {
        const text = popUpText(question.title, `${question.text} ${question.unanswered}`, waiting, t);
        const words = question.answers.map(answerWord);
        const chosen = await vscode.window.showWarningMessage(text, ...words);
        const answer = question.answers[words.indexOf(chosen ?? "")];
        if (answer !== undefined) {
          await this.answer(question, answer);
        }
      },
    });
  }

  async answerByPick(question: Question): Promise<void> {
    const picks = question.answers.map((answer) => ({ label: answerWord(answer), answer }));
    const chosen = await vscode.window.showQuickPick(picks, { title: question.title, placeHolder: question.text });
    if (chosen) {
      await this.answer(question, chosen.answer);
    }
  }

  private async answer(question: Question, answer: string): Promise<void> {
    await this.ask(`/questions/${encodeURIComponent(question.id)}`, { answer }, (answered) => {
      const done = texts(fields(answered).done).join(" ");
      vscode.window.setStatusBarMessage(withoutIcons(`OmniTray: ${done}`), 5000);
    });
    await this.model.readQuestions();
  }

  async acknowledge(alerts: readonly Alert[]): Promise<void> {
    await vscode.window.withProgress({ location: { viewId: "omnitray.alerts" } }, async () => {
      for (const alert of alerts) {
        if (!(await this.ask(`/alerts/${encodeURIComponent(alert.id)}/ack`))) {
          break;
        }
      }
    });
    await this.model.readAlerts();
  }

  async snooze(seconds: number): Promise<void> {
    await this.ask("/snooze", { duration_s: seconds });
    await this.model.readStatus();
  }

  async undo(held: Held): Promise<void> {
    await this.ask(`/actions/${encodeURIComponent(held.action_id)}/undo`);
    await this.model.readHeld();
  }

  async undoAll(): Promise<void> {
    await this.ask("/actions/undo-all");
    await this.model.readHeld();
  }

  async serverAction(server: Server, action: "start" | "stop" | "restart"): Promise<void> {
    await this.ask(`/servers/${encodeURIComponent(server.name)}/${action}`);
    await this.model.readServers();
  }

  async choose(what: "mode" | "level"): Promise<void> {
    const words = what === "mode" ? MODES : LEVELS;
    const now = what === "mode" ? this.model.status?.mode : this.model.status?.level;
    const title = what === "mode" ? t("OmniTray: mode") : t("OmniTray: level");
    const chosen = await vscode.window.showQuickPick(words, { title, placeHolder: t("Now {0}", now ?? "–") });
    if (chosen) {
      await this.ask(`/${what}`, { [what]: chosen });
      await this.model.readStatus();
    }
  }

  async menu(): Promise<void> {
    if (this.model.link !== "connected") {
      const again = t("Look again");
      if ((await vscode.window.showInformationMessage(this.absenceHere(), again)) === again) {
        this.model.connection.reconnect();
      }
      return;
    }
    const { status, held } = this.model;
    const rows: (vscode.QuickPickItem & { command?: string })[] = [
      { label: `$(list-unordered) ${t("Show alerts, servers, runs")}`, command: "omnitray.alerts.focus" },
      { label: `$(settings) ${t("Mode")}`, description: status?.mode ?? "", command: "omnitray.mode" },
      { label: `$(dashboard) ${t("Level")}`, description: status?.level ?? "", command: "omnitray.level" },
      this.model.isSnoozed
        ? { label: `$(bell) ${t("Show notifications again")}`, command: "omnitray.snooze" }
        : { label: `$(bell-slash) ${t("Pause notifications for 1 h")}`, command: "omnitray.snooze" },
      ...(held.length > 0
        ? [{ label: `$(discard) ${t("Undo all")}`, description: t("{0} held", held.length), command: "omnitray.undoAll" }]
        : []),
      { label: `$(device-desktop) ${t("Open the window")}`, command: "omnitray.show" },
      { label: `$(graph) ${t("Open the dashboard")}`, command: "omnitray.dashboard" },
    ];
    const chosen = await vscode.window.showQuickPick(rows, {
      title: status?.headline ?? "OmniTray",
      placeHolder: status?.detail ?? "",
    });
    if (chosen?.command) {
      await vscode.commands.executeCommand(chosen.command);
    }
  }

  private absenceHere(): string {
    if (this.model.link === "absent" && this.isRemote) {
      return t(
        "No OmniTray answers on this machine ({0}). The extension runs where the editor's window is; install it there to see the desktop's OmniTray.",
        vscode.env.remoteName ?? "",
      );
    }
    return absence(this.model, t);
  }

  async showDetails(alert: Alert): Promise<void> {
    await this.model.readAlerts(); // which channels took it is known a little later than the alert
    const now = this.model.alerts.find((each) => each.id === alert.id) ?? alert;
    await this.showDocument(`alert/${safeName(now.title)}.txt`, now.id, details(now, this.model.alerts, t));
  }

  /** The end of a server's log; of one that a test run has brought along and taken away, what its alert has. */
  async showLog(name: string, alert?: Alert): Promise<void> {
    const kept = alert?.context.log_tail;
    let lines: string[];
    try {
      const target = `/servers/${encodeURIComponent(name)}/log?lines=${LOG_LINES}`;
      lines = texts(fields(await this.model.connection.request("GET", target)).lines);
    } catch (error) {
      if (!Array.isArray(kept)) {
        complain(error);
        return;
      }
      lines = kept.map(String);
    }
    const editor = await this.showDocument(`log/${safeName(name)}.log`, name, lines.join("\n"));
    editor.revealRange(editor.document.lineAt(editor.document.lineCount - 1).range);
  }

  async goTo(alert: Alert): Promise<void> {
    const places = failures(alert);
    const rows = places.map((place) => ({
      label: withoutIcons(problemText(place, t)),
      description: withoutIcons(`${place.file}:${place.line}`),
      place,
    }));
    const chosen = rows.length > 1 ? await vscode.window.showQuickPick(rows, { title: alert.title }) : rows[0];
    if (!chosen) {
      return;
    }
    try {
      const document = await vscode.workspace.openTextDocument(vscode.Uri.file(chosen.place.file));
      const line = Math.min(chosen.place.line, document.lineCount) - 1;
      await vscode.window.showTextDocument(document, { selection: document.lineAt(line).range });
    } catch {
      void vscode.window.showWarningMessage(t("{0} cannot be opened.", chosen.place.file));
    }
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.documents.get(uri.toString()) ?? t("This is over; OmniTray's history still has it.");
  }

  private async showDocument(name: string, id: string, text: string): Promise<vscode.TextEditor> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name}`, query: id });
    if (this.documents.size > 50) {
      this.documents.clear();
    }
    this.documents.set(uri.toString(), text);
    this.documentChanged.fire(uri);
    return vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }

  /** A request that changes something; a refusal is shown as OmniTray's sentence. */
  private async ask(target: string, body?: unknown, then?: (answer: unknown) => void): Promise<boolean> {
    try {
      const answer = await this.model.connection.request("POST", target, body ?? {});
      then?.(answer);
      return true;
    } catch (error) {
      complain(error);
      return false;
    }
  }
}

function serverNameOf(alert: Alert): string | undefined {
  const { server } = alert.context;
  return alert.type.startsWith("SERVER_") && typeof server === "string" ? server : undefined;
}

function workspaceFolders(): string[] {
  return (vscode.workspace.workspaceFolders ?? []).filter((each) => each.uri.scheme === "file").map((each) => each.uri.fsPath);
}

function safeName(text: string): string {
  return text.replace(/[^\p{L}\p{N} ._-]+/gu, " ").trim().slice(0, 60) || "alert";
}

export function complain(error: unknown): void {
  void vscode.window.showErrorMessage(withoutLinks(failureText(error, t)));
}

