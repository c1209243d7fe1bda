// The editor's side of OmniTray: starts when the editor has started, ends with it.

import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import * as vscode from "vscode";

import { Connection } from "./connection";
import { findFolders } from "./discovery";
import { Model } from "./model";
import { runArguments, type RunTask } from "./runs";
import { complain, Window } from "./window";
import type { Alert, Held, Question, Server } from "./wire";

const SNOOZE_S = 3600;

let stop: (() => void) | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const { Workspace } = vscode.ExtensionKind;
  const isRemote =
    context.extension.extensionKind === Workspace && vscode.env.uiKind === vscode.UIKind.Desktop && vscode.env.remoteName !== undefined;
  let window = start(isRemote);
  const handlers: Record<string, (...given: never[]) => unknown> = {
    menu: () => window.shown.menu(),
    show: () => {
      startProgram([]);
    },
    dashboard: () => {
      startProgram(["dashboard"]);
    },
    mode: () => window.shown.choose("mode"),
    level: () => window.shown.choose("level"),
    snooze: () => window.shown.snooze(window.model.isSnoozed ? 0 : SNOOZE_S),
    undoAll: () => window.shown.undoAll(),
    refresh: () => window.model.readAll(),
    "alert.details": (alert: Alert) => window.shown.showDetails(alert),
    "alert.acknowledge": (alert: Alert, chosen?: Alert[]) => window.shown.acknowledge(chosen ?? [alert]),
    "alert.acknowledgeAll": () => window.shown.acknowledge(window.model.firing),
    "alert.go": (alert: Alert) => window.shown.goTo(alert),
    "server.start": (server: Server) => window.shown.serverAction(server, "start"),
    "server.stop": (server: Server) => window.shown.serverAction(server, "stop"),
    "server.restart": (server: Server) => window.shown.serverAction(server, "restart"),
    "server.log": (server: Server) => window.shown.showLog(server.name),
    "held.undo": (held: Held) => window.shown.undo(held),
    "question.answer": (question: Question) => window.shown.answerByPick(question),
  };
  for (const [name, handler] of Object.entries(handlers)) {
    context.subscriptions.push(vscode.commands.registerCommand(`omnitray.${name}`, handler));
  }
  context.subscriptions.push(
    vscode.tasks.registerTaskProvider("omnitray", { provideTasks, resolveTask }),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("omnitray.home") || change.affectsConfiguration("omnitray.certificate")) {
        stop?.();
        window = start(isRemote);
      }
    }),
  );
}

export function deactivate(): void {
  stop?.();
}

function start(isRemote: boolean): { model: Model; shown: Window } {
  const settings = vscode.workspace.getConfiguration("omnitray");
  const folders = findFolders(settings.get<string>("home", ""));
  const connection = new Connection({ folders, certificate: pem(settings.get<string>("certificate", "")) });
  const model = new Model(connection);
  const shown = new Window(model, folders.run, isRemote);
  connection.start();
  stop = () => {
    stop = undefined;
    shown.dispose();
    model.close();
    connection.close();
  };
  return { model, shown };
}

function pem(file: string): string | undefined {
  if (!file) {
    return undefined;
  }
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    void vscode.window.showWarningMessage(vscode.l10n.t("{0} cannot be opened.", file));
    return undefined;
  }
}

/** Start OmniTray's command: without arguments it shows the window of the one that runs. */
function startProgram(words: readonly string[]): void {
  const settings = vscode.workspace.getConfiguration("omnitray");
  const command = settings.get<string>("command", "omnitray");
  const home = settings.get<string>("home", "");
  const environment = home ? { ...process.env, OMNITRAY_HOME: home } : process.env;
  const child = spawn(command, words, { detached: true, stdio: "ignore", env: environment });
  child.on("error", () => {
    void vscode.window.showErrorMessage(
      vscode.l10n.t("{0} cannot be started. The setting omnitray.command says where it is.", command),
    );
  });
  child.unref();
}

function resolveTask(task: vscode.Task): vscode.Task {
  return makeTask(task.definition as vscode.TaskDefinition & RunTask, task.scope);
}

function makeTask(definition: vscode.TaskDefinition & RunTask, scope?: vscode.TaskScope | vscode.WorkspaceFolder): vscode.Task {
  const settings = vscode.workspace.getConfiguration("omnitray");
  const command = settings.get<string>("command", "omnitray");
  const home = settings.get<string>("home", "");
  return new vscode.Task(
    definition,
    scope ?? vscode.TaskScope.Workspace,
    definition.name ?? [definition.command, ...(definition.args ?? [])].join(" "),
    "omnitray",
    new vscode.ProcessExecution(command, runArguments(definition), home ? { env: { OMNITRAY_HOME: home } } : {}),
  );
}

/** Tests of the folders that have them: a start that can be kept in tasks.json. */
function provideTasks(): vscode.Task[] {
  const found: vscode.Task[] = [];
  for (const folder of (vscode.workspace.workspaceFolders ?? []).filter((each) => each.uri.scheme === "file")) {
    const has = (name: string): boolean => fs.existsSync(path.join(folder.uri.fsPath, name));
    try {
      if (["pytest.ini", "conftest.py", "tests"].some(has)) {
        found.push(makeTask({ type: "omnitray", command: "pytest", workersFromMemory: true }, folder));
      }
      if (has("package.json")) {
        found.push(makeTask({ type: "omnitray", command: "npm test" }, folder));
      }
    } catch (error) {
      complain(error);
    }
  }
  return found;
}
