// What this window knows of OmniTray, kept up to date by events and read again after a reconnect.

import { EventEmitter } from "node:events";

import type { Connection, Link } from "./connection";
import { RequestFailed } from "./http";
import type { Alert, Held, Job, Message, Question, Run, Server, Severity, Snapshot, Status } from "./wire";

const KNOWN_ALERTS = 200;
const SETTLE_MS = 200; // events come in bursts: one reading serves all of them
const MOST_JOBS = 5;

interface Events {
  change: [];
  /** An alert that fires, as an event: the first time that it is seen. */
  fires: [Alert];
  asks: [Question];
}

/** Alerts, servers, runs, what is held, questions and readings of one instance. */
export class Model extends EventEmitter<Events> {
  link: Link = "absent";
  why = "";
  status: Status | undefined;
  snapshot: Snapshot | undefined;
  alerts: Alert[] = [];
  servers: Server[] = [];
  held: Held[] = [];
  questions: Question[] = [];
  runs: Run[] = [];
  jobs: Job[] = [];
  private readonly settling = new Map<string, NodeJS.Timeout>();
  private readonly lacking = new Set<string>();

  constructor(readonly connection: Connection) {
    super();
    connection.on("link", (link, why) => {
      this.link = link;
      this.why = why;
      if (link === "connected") {
        this.lacking.clear();
        void this.readAll();
      } else if (link !== "connecting") {
        this.snapshot = undefined;
        this.questions = [];
        this.held = [];
      }
      this.emit("change");
    });
    connection.on("message", (message) => {
      this.apply(message);
    });
  }

  /** Open alerts, those that fire first, the newest of each first. */
  get open(): Alert[] {
    const rank = (alert: Alert): number => (alert.state === "firing" ? 0 : 1);
    return this.alerts
      .filter((alert) => alert.state !== "resolved")
      .sort((a, b) => rank(a) - rank(b) || severityRank(b.severity) - severityRank(a.severity) || b.last_seen.localeCompare(a.last_seen));
  }

  get firing(): Alert[] {
    return this.open.filter((alert) => alert.state === "firing");
  }

  get resolved(): Alert[] {
    return this.alerts.filter((alert) => alert.state === "resolved").sort((a, b) => b.last_seen.localeCompare(a.last_seen));
  }

  get isSnoozed(): boolean {
    const until = this.status?.alerts.notifications_paused_until;
    return typeof until === "string" && Date.parse(until) > Date.now();
  }

  close(): void {
    for (const timer of this.settling.values()) {
      clearTimeout(timer);
    }
    this.removeAllListeners();
  }

  async readAll(): Promise<void> {
    await Promise.all([
      this.readStatus(),
      this.readAlerts(),
      this.readServers(),
      this.readHeld(),
      this.readQuestions(),
      this.readRuns(),
      this.readJobs(),
    ]);
  }

  async readStatus(): Promise<void> {
    await this.read<Status>("/status", (found) => {
      this.status = found;
      this.snapshot ??= found.monitor.snapshot ?? undefined;
    });
  }

  async readJobs(): Promise<void> {
    await this.read<{ jobs: Job[] }>("/jobs", (found) => {
      this.jobs = found.jobs.slice(0, MOST_JOBS);
    });
  }

  async readAlerts(): Promise<void> {
    await this.read<{ alerts: Alert[] }>(`/alerts?limit=${KNOWN_ALERTS}`, (found) => {
      this.alerts = found.alerts;
    });
  }

  async readServers(): Promise<void> {
    await this.read<{ servers: Server[] }>("/servers", (found) => {
      this.servers = found.servers;
    });
  }

  async readHeld(): Promise<void> {
    await this.read<{ held: Held[] }>("/actions", (found) => {
      this.held = found.held;
    });
  }

  async readQuestions(): Promise<void> {
    await this.read<{ questions: Question[] }>("/questions", (found) => {
      this.questions = found.questions;
    });
  }

  async readRuns(): Promise<void> {
    await this.read<{ runs: Run[] }>("/runs", (found) => {
      this.runs = found.runs.slice(0, 20);
    });
  }

  private async read<T>(target: string, take: (found: T) => void): Promise<void> {
    if (this.lacking.has(target)) {
      return;
    }
    try {
      take(await this.connection.request<T>("GET", target));
      this.emit("change");
    } catch (error) {
      if (error instanceof RequestFailed && error.status === 404) {
        this.lacking.add(target); // an older OmniTray
      } // else the connection says by itself that it has gone, and all is read again
    }
  }

  private apply(message: Message): void {
    switch (message.event) {
      case "snapshot":
        this.snapshot = message as unknown as Snapshot;
        break;
      case "alert":
        this.applyAlert(message);
        break;
      case "server":
        this.applyServer(message as unknown as Server);
        break;
      case "question":
        this.applyQuestion(message);
        break;
      case "action":
        this.soon("held", () => this.readHeld());
        this.soon("status", () => this.readStatus());
        break;
      case "mode":
      case "level":
        this.soon("status", () => this.readStatus());
        break;
      default:
        return;
    }
    this.emit("change");
  }

  private applyAlert(message: Message): void {
    const { alert_type, ...rest } = message as unknown as Alert & { alert_type: string };
    const alert: Alert = { ...rest, type: alert_type };
    const before = this.alerts.find((each) => each.id === alert.id);
    this.alerts = [alert, ...this.alerts.filter((each) => each.id !== alert.id)].slice(0, KNOWN_ALERTS);
    if (alert.state === "firing" && before?.state !== "firing") {
      this.emit("fires", alert);
    }
    this.soon("status", () => this.readStatus());
    this.soon("jobs", () => this.readJobs());
  }

  private applyServer(server: Server): void {
    const at = this.servers.findIndex((each) => each.name === server.name);
    this.servers = at < 0 ? [...this.servers, server] : this.servers.map((each) => (each.name === server.name ? server : each));
  }

  private applyQuestion(message: Message): void {
    const question = message as unknown as Question & { state: "open" | "closed" };
    const isNew = !this.questions.some((each) => each.id === question.id);
    this.questions = this.questions.filter((each) => each.id !== question.id);
    if (question.state === "open") {
      this.questions = [...this.questions, question];
      if (isNew) {
        this.emit("asks", question);
      }
    }
  }

  private soon(name: string, read: () => Promise<void>): void {
    clearTimeout(this.settling.get(name));
    this.settling.set(
      name,
      setTimeout(() => {
        this.settling.delete(name);
        void read();
      }, SETTLE_MS),
    );
  }
}

export function severityRank(severity: Severity): number {
  return { info: 0, warning: 1, critical: 2 }[severity];
}
