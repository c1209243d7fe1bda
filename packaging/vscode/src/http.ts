// Requests to a running OmniTray, each on a connection that has proved to be OmniTray's.

import * as crypto from "node:crypto";
import * as http from "node:http";
import * as net from "node:net";
import * as tls from "node:tls";

import type { Address } from "./discovery";

const PREFIX = "/api/monitoring";
const TIMEOUT_MS = 15_000; // longer than OmniTray takes for a command
const MOST_BYTES = 64_000_000;

/** OmniTray refused; the message is its sentence, empty where it says none. */
export class RequestFailed extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

/** The port belongs to another program: it does not know the token. */
export class NotOurs extends Error {}

/**
 * A connection whose other end knows the token.
 *
 * The port may belong to another program by now, so that it is sent a challenge before the token:
 * the answer is an HMAC-SHA256 with the token as the key.
 */
export async function provenSocket(address: Address, certificate?: string): Promise<net.Socket> {
  const { protocol, hostname, port, host } = new URL(address.url);
  const socket = await connected(protocol === "https:", hostname.replace(/[[\]]/g, ""), Number(port), certificate);
  const challenge = crypto.randomBytes(16).toString("hex");
  try {
    const answer = await exchange(socket, `GET ${PREFIX}/health HTTP/1.1\r\nHost: ${host}\r\nX-OmniTray-Challenge: ${challenge}\r\n\r\n`);
    const proof = /^x-omnitray-proof: *([0-9a-f]+)\r?$/im.exec(answer)?.[1];
    const wanted = crypto.createHmac("sha256", address.token).update(`omnitray ${port} ${challenge}`).digest("hex");
    if (proof?.length !== wanted.length || !crypto.timingSafeEqual(Buffer.from(proof), Buffer.from(wanted))) {
      const busy = /^HTTP\/1\.1 (429|503)/.exec(answer);
      throw busy
        ? new RequestFailed(Number(busy[1]), "busy", "")
        : new NotOurs(`Another program answers at ${address.url}.`);
    }
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket;
}

function connected(secure: boolean, host: string, port: number, certificate?: string): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    // The certificate is the one of the settings; it may be made for another host name.
    const socket = secure
      ? tls.connect({ host, port, ...(certificate ? { ca: certificate } : {}), checkServerIdentity: () => undefined })
      : net.connect({ host, port });
    socket.setNoDelay(true);
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error("OmniTray does not answer.")));
    socket.once("error", reject);
    socket.once(secure ? "secureConnect" : "connect", () => {
      socket.removeListener("error", reject);
      resolve(socket);
    });
  });
}

/** Send a request without a body; the answer's head, its body read and dropped. */
function exchange(socket: net.Socket, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const done = (error?: Error): void => {
      socket.removeListener("data", onData);
      socket.removeListener("error", done);
      socket.removeListener("close", onClose);
      if (error) {
        reject(error);
      } else {
        resolve(text);
      }
    };
    const onClose = (): void => {
      done(new Error("The connection was closed before an answer."));
    };
    const onData = (chunk: Buffer): void => {
      text += chunk.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      const length = /^content-length: *(\d+)/im.exec(text)?.[1];
      if (end >= 0 && text.length >= end + 4 + Number(length ?? 0)) {
        done();
      } else if (text.length > 65_536) {
        done(new NotOurs("Another program answers there."));
      }
    };
    socket.on("data", onData);
    socket.once("error", done);
    socket.once("close", onClose);
    socket.write(request);
  });
}

/** One request to the API; the decoded answer. Raises RequestFailed for a refusal. */
export async function request(
  address: Address,
  method: "GET" | "POST",
  path: string,
  body?: unknown,
  certificate?: string,
): Promise<unknown> {
  const socket = await provenSocket(address, certificate);
  const content = body === undefined ? "" : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = http.request(
      {
        method,
        path: PREFIX + path,
        host: new URL(address.url).hostname,
        port: new URL(address.url).port,
        createConnection: () => socket,
        headers: {
          Host: new URL(address.url).host,
          Authorization: `Bearer ${address.token}`,
          "Content-Type": "application/json",
          "Content-Length": Buffer.byteLength(content),
          Connection: "close",
        },
      },
      (answer) => {
        const parts: Buffer[] = [];
        let length = 0;
        answer.on("data", (part: Buffer) => {
          parts.push(part);
          length += part.length;
          if (length > MOST_BYTES) {
            answer.destroy(new Error("The answer is too long."));
          }
        });
        answer.on("error", reject);
        answer.on("end", () => {
          settle(answer.statusCode ?? 0, Buffer.concat(parts).toString("utf8"), resolve, reject);
        });
      },
    );
    sent.on("error", reject);
    sent.end(content);
  });
}

function settle(status: number, text: string, resolve: (value: unknown) => void, reject: (error: Error) => void): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    reject(new RequestFailed(status, "no_json", ""));
    return;
  }
  if (status < 400) {
    resolve(value);
    return;
  }
  const { error, detail } = (value ?? {}) as { error?: unknown; detail?: unknown };
  reject(new RequestFailed(status, typeof error === "string" ? error : "refused", typeof detail === "string" ? detail : ""));
}
