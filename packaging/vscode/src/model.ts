// What this window knows of OmniTray, kept up to date by events and read again after a reconnect.

import { EventEmitter } from "node:events";

import type { Connection, Link } from "./connection";
import { RequestFailed } from "./http";
import * as wire from "./wire";
import type { Alert, Held, Job, Message, Question, Run, Server, Severity, Snapshot, Status } from "./wire";

const KNOWN_ALERTS = 200;
const SETTLE_MS = 200; // events come in bursts: one reading serves all of them
const AGAIN_MS = 1000; // after a reading that failed though the connection stands
const MOST_JOBS = 5;

interface Events {
  change: [];
  /** An alert that fires, or fires again, or has become more severe; also while no connection stood. */
  fires: [Alert];
  asks: [Question];
}

interface Announced {
  readonly rank: number;
  readonly title: string;
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
  private readingStatus: Promise<void> | undefined;
  /** How each alert that fires was announced. */
  private announced = new Map<string, Announced>();
  /** When this window connected first, until it has read for the first time. */
  private knownFrom: number | undefined = Infinity;

  constructor(readonly connection: Connection) {
    super();
    connection.on("link", (link, why) => {
      this.link = link;
      this.why = why;
      if (link === "connected") {
        this.knownFrom = this.knownFrom === Infinity ? Date.now() : this.knownFrom;
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
    const until = this.status?.notifications_paused_until;
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

  /** Of a burst of alerts each asks; one request serves all that come while it is under way. */
  readStatus(): Promise<void> {
    this.readingStatus ??= this.read("/status", (found) => {
      this.status = wire.statusOf(found);
      this.snapshot ??= this.status.snapshot;
    }).finally(() => {
      this.readingStatus = undefined;
    });
    return this.readingStatus;
  }

  async readJobs(): Promise<void> {
    await this.read("/jobs", (found) => {
      this.jobs = wire.rows(found, "jobs", wire.jobOf).slice(0, MOST_JOBS);
    });
  }

  async readAlerts(): Promise<void> {
    await this.read(`/alerts?limit=${KNOWN_ALERTS}`, (found) => {
      this.alerts = wire.rows(found, "alerts", wire.alertOf);
      this.announceMissed();
    });
  }

  async readServers(): Promise<void> {
    await this.read("/servers", (found) => {
      this.servers = wire.rows(found, "servers", wire.serverOf);
    });
  }

  async readHeld(): Promise<void> {
    await this.read("/actions", (found) => {
      this.held = wire.rows(found, "held", wire.heldOf);
    });
  }

  async readQuestions(): Promise<void> {
    await this.read("/questions", (found) => {
      this.questions = wire.rows(found, "questions", wire.questionOf);
    });
  }

  async readRuns(): Promise<void> {
    await this.read("/runs", (found) => {
      this.runs = wire.rows(found, "runs", wire.runOf).slice(0, 20);
    });
  }

  private async read(target: string, take: (found: unknown) => void): Promise<void> {
    if (this.lacking.has(target)) {
      return;
    }
    try {
      const found = await this.connection.request("GET", target);
      take(found);
      this.emit("change");
    } catch (error) {
      if (error instanceof RequestFailed && error.status === 404) {
        this.lacking.add(target); // an older OmniTray
      } else if (this.link === "connected") {
        this.soon(target, () => this.read(target, take), AGAIN_MS); // it was too busy, say
      } // else all is read again with the next connection
    }
  }

  private apply(message: Message): void {
    switch (message.event) {
      case "snapshot":
        this.snapshot = wire.snapshotOf(message);
        break;
      case "alert":
        this.applyAlert(message);
        break;
      case "server":
        this.applyServer(wire.serverOf(message));
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
    const alert = wire.alertOf(message);
    if (!alert) {
      return;
    }
    this.alerts = [alert, ...this.alerts.filter((each) => each.id !== alert.id)].slice(0, KNOWN_ALERTS);
    this.announce(alert);
    this.soon("status", () => this.readStatus());
    this.soon("jobs", () => this.readJobs());
  }

  /** Say that it fires, unless that was said of it, as severe and as bad as it is now. */
  private announce(alert: Alert): void {
    const said = this.announced.get(alert.id);
    if (alert.state !== "firing") {
      this.announced.delete(alert.id); // should it fire again, that is news
      return;
    }
    this.remember(alert);
    const rank = severityRank(alert.severity);
    if (!said || rank > said.rank || (alert.type === "SERVER_DOWN" && alert.title !== said.title)) {
      this.emit("fires", alert); // a server that is down may come to a crash loop
    }
  }

  private remember(alert: Alert): void {
    this.announced.delete(alert.id);
    this.announced.set(alert.id, { rank: severityRank(alert.severity), title: alert.title });
    if (this.announced.size > KNOWN_ALERTS) {
      this.announced = new Map([...this.announced].slice(1));
    }
  }

  /**
   * Say what no event has brought: what began to fire while the connection was away, or what a
   * reading has before its event comes. What stood before this window is known to the person.
   */
  private announceMissed(): void {
    const since = this.knownFrom;
    this.knownFrom = undefined; // of the first reading alone, as the clock may be set
    for (const alert of this.alerts) {
      if (since !== undefined && alert.state === "firing" && !(Date.parse(alert.last_seen) >= since)) {
        this.remember(alert);
      } else {
        this.announce(alert);
      }
    }
  }

  private applyServer(server: Server | undefined): void {
    if (server) {
      const isKnown = this.servers.some((each) => each.name === server.name);
      this.servers = isKnown ? this.servers.map((each) => (each.name === server.name ? server : each)) : [...this.servers, server];
    }
  }

  private applyQuestion(message: Message & { state?: unknown }): void {
    const question = wire.questionOf(message);
    if (!question) {
      return;
    }
    const isNew = !this.questions.some((each) => each.id === question.id);
    this.questions = this.questions.filter((each) => each.id !== question.id);
    if (message.state === "open") {
      this.questions = [...this.questions, question];
      if (isNew) {
        this.emit("asks", question);
      }
    }
  }

  private soon(name: string, read: () => Promise<void>, afterMs = SETTLE_MS): void {
    clearTimeout(this.settling.get(name));
    this.settling.set(
      name,
      setTimeout(() => {
        this.settling.delete(name);
        void read();
      }, afterMs),
    );
  }
}

export function severityRank(severity: Severity): number {
  return { info: 0, warning: 1, critical: 2 }[severity];
}
