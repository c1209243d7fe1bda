// The one connection of this window to OmniTray: found, proved, kept, and found again.

import { EventEmitter } from "node:events";
import * as fs from "node:fs";
import * as path from "node:path";

import WebSocket from "ws";

import { type Address, addressFiles, type Folders, readAddresses } from "./discovery";
import { provenSocket, request, RequestFailed } from "./http";
import type { Message } from "./wire";

const LOOK_MS = 5000; // where a file system gives no notice of a change
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
const PING_MS = 20_000; // a sleeping laptop or a stopped program answers none
const SNAPSHOT_S = 2;
const MOST_MESSAGE_BYTES = 4_000_000;

/** `absent`: no OmniTray answers. `refused`: one does, and says no, with the status of its answer. */
export type Link = "absent" | "connecting" | "connected" | "refused";

interface Events {
  link: [Link, string];
  message: [Message];
}

export interface ConnectionOptions {
  readonly folders: Folders;
  readonly client?: string;
  /** PEM text of the certificate, where OmniTray is open to other machines. */
  readonly certificate?: string | undefined;
}

/** Follows `api.json` and holds a WebSocket to whom it names; reconnects with growing pauses. */
export class Connection extends EventEmitter<Events> {
  private link: Link = "absent";
  private address: Address | undefined;
  private socket: WebSocket | undefined;
  private pauseMs = FIRST_PAUSE_MS;
  private retry: NodeJS.Timeout | undefined;
  private look: NodeJS.Timeout | undefined;
  private ping: NodeJS.Timeout | undefined;
  private watchers: fs.FSWatcher[] = [];
  private seen = "";
  private attempt = 0;
  private closed = false;

  constructor(private readonly options: ConnectionOptions) {
    super();
  }

  get state(): Link {
    return this.link;
  }

  start(): void {
    this.watch();
    this.look = setInterval(() => {
      this.check();
    }, LOOK_MS);
    this.check();
  }

  close(): void {
    this.closed = true;
    clearInterval(this.look);
    clearTimeout(this.retry);
    this.unwatch();
    this.drop();
    this.removeAllListeners();
  }

  /** Connect at once, whatever the pause says. */
  reconnect(): void {
    this.seen = "";
    this.pauseMs = FIRST_PAUSE_MS;
    this.drop();
    this.check();
  }

  /** One request to the instance; raises RequestFailed, NotOurs or an error of the network. */
  async request(method: "GET" | "POST", target: string, body?: unknown): Promise<unknown> {
    const address = this.address ?? readAddresses(addressFiles(this.options.folders))[0];
    if (!address) {
      throw new Error("not running");
    }
    return request(address, method, target, body, this.options.certificate);
  }

  private watch(): void {
    for (const file of addressFiles(this.options.folders)) {
      try {
        const watcher = fs.watch(path.dirname(file), () => {
          this.check();
        });
        watcher.on("error", () => {
          watcher.close(); // the folder has gone; the timer goes on looking
        });
        this.watchers.push(watcher);
      } catch {
        continue; // there is no such folder yet: the timer looks for it
      }
    }
  }

  private unwatch(): void {
    for (const watcher of this.watchers) {
      watcher.close();
    }
    this.watchers = [];
  }

  /** Look whether another instance stands in `api.json`, or whether one came or went. */
  private check(): void {
    if (this.closed) {
      return;
    }
    const addresses = readAddresses(addressFiles(this.options.folders));
    const now = JSON.stringify(addresses);
    if (now === this.seen) {
      return;
    }
    this.seen = now;
    this.unwatch();
    this.watch();
    this.pauseMs = FIRST_PAUSE_MS;
    this.drop();
    if (addresses.length > 0) {
      void this.connect(addresses);
    } else {
      this.say("absent", "");
    }
  }

  private async connect(addresses: readonly Address[]): Promise<void> {
    clearTimeout(this.retry);
    const attempt = ++this.attempt;
    if (this.link !== "refused") {
      this.say("connecting", "");
    }
    let refused: RequestFailed | undefined;
    for (const address of addresses) {
      try {
        const socket = await this.open(address);
        if (attempt !== this.attempt) {
          socket.terminate(); // another instance has been found meanwhile
          return;
        }
        this.take(socket, address);
        return;
      } catch (error) {
        refused ??= error instanceof RequestFailed ? error : undefined; // else no OmniTray is there
      }
    }
    if (attempt === this.attempt) {
      this.say(refused ? "refused" : "absent", refused ? String(refused.status) : "");
      this.later();
    }
  }

  private async open(address: Address): Promise<WebSocket> {
    const connection = await provenSocket(address, this.options.certificate);
    const { host, protocol } = new URL(address.url);
    const client = encodeURIComponent(this.options.client ?? "vscode");
    const socket = new WebSocket(
      `${protocol === "https:" ? "wss" : "ws"}://${host}/ws?client=${client}&snapshot_interval_s=${SNAPSHOT_S}`,
      {
        headers: { Authorization: `Bearer ${address.token}` },
        createConnection: () => connection,
        maxPayload: MOST_MESSAGE_BYTES,
        handshakeTimeout: 10_000,
        perMessageDeflate: false,
      },
    );
    return new Promise((resolve, reject) => {
      socket.once("open", () => {
        connection.setTimeout(0);
        resolve(socket);
      });
      socket.once("error", reject);
      socket.once("unexpected-response", (_sent, answer) => {
        const status = answer.statusCode ?? 0;
        socket.once("error", () => undefined); // terminating a handshake raises one more
        socket.terminate();
        reject(new RequestFailed(status, "refused", ""));
      });
    });
  }

  private take(socket: WebSocket, address: Address): void {
    this.address = address;
    this.socket = socket;
    let answered = true;
    socket.on("pong", () => {
      answered = true;
    });
    this.ping = setInterval(() => {
      if (!answered) {
        socket.terminate();
        return;
      }
      answered = false;
      socket.ping();
    }, PING_MS);
    socket.on("message", (data: WebSocket.RawData) => {
      this.receive(data);
    });
    socket.on("error", () => undefined); // its close follows
    socket.on("close", () => {
      if (this.socket === socket) {
        this.drop();
        this.say("absent", "");
        this.later();
      }
    });
    this.pauseMs = FIRST_PAUSE_MS;
    this.say("connected", "");
  }

  private receive(data: WebSocket.RawData): void {
    let message: unknown;
    try {
      message = JSON.parse(Buffer.isBuffer(data) ? data.toString("utf8") : "");
    } catch {
      return; // not ours to read; the next one may be
    }
    if (typeof (message as Message | null)?.event === "string") {
      this.emit("message", message as Message);
    }
  }

  private drop(): void {
    this.attempt++;
    clearInterval(this.ping);
    const socket = this.socket;
    this.socket = undefined;
    this.address = undefined;
    socket?.terminate();
  }

  /** Try again after a pause that doubles; a change of `api.json` does not wait for it. */
  private later(): void {
    if (this.closed) {
      return;
    }
    clearTimeout(this.retry);
    const pause = this.pauseMs * (0.8 + 0.4 * Math.random());
    this.pauseMs = Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS);
    this.retry = setTimeout(() => {
      this.seen = "";
      const before = this.pauseMs;
      this.check();
      this.pauseMs = before;
    }, pause);
  }

  private say(link: Link, why: string): void {
    if (link !== this.link || link === "connected" || why) {
      this.link = link;
      this.emit("link", link, why);
    }
  }
}
