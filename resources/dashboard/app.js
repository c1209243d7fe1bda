"use strict";
// Everything is set as text; nothing of what is read is ever markup.
const EVERY_MS = 3000;
const at = (id) => document.getElementById(id);

async function ask(path) {
  const answer = await fetch("/dashboard/data/" + path, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

function item(text, kind, quiet) {
  const made = document.createElement("li");
  const first = document.createElement("span");
  first.textContent = text;
  if (kind) first.className = kind;
  made.append(first);
  if (quiet) {
    const second = document.createElement("span");
    second.className = "muted";
    second.textContent = "  " + quiet;
    made.append(second);
  }
  return made;
}

function fill(id, items, none) {
  at(id).replaceChildren(...(items.length ? items : [item(none, "muted")]));
}

function gauge(name, value, state) {
  const made = document.createElement("div");
  const figure = document.createElement("b");
  figure.textContent = value === null ? "–" : Math.round(value) + " %";
  if (state === "critical" || state === "warning") figure.className = state;
  made.append(figure, name);
  return made;
}

function line(points, since, until, kind) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  const x = (point) => (600 * (Date.parse(point.at) - since)) / (until - since);
  made.setAttribute("points", points.map((each) => `${x(each)},${118 - 1.16 * each.mean}`).join(" "));
  made.setAttribute("class", kind);
  return made;
}

async function show() {
  const [status, health, active, servers, actions, metrics] = await Promise.all([
    ask("status"), ask("health"), ask("alerts/active"), ask("servers"), ask("actions"),
    ask("metrics?series=cpu,memory&by=minute"),
  ]);
  at("headline").textContent = status.headline;
  at("detail").textContent = status.detail;
  at("gauges").replaceChildren(
    gauge("CPU", health.cpu.percent, health.cpu.state),
    gauge("Memory", health.memory.percent, health.memory.state),
    gauge("Disk", health.disk.percent, health.disk.state));
  fill("alerts", active.latest.filter((each) => each.state !== "resolved").map(
    (each) => item(each.title, each.severity, each.state + " · " + each.severity)), "No alert is open.");
  fill("servers", servers.servers.map((each) => item(each.name, each.state === "up" ? "good" : "critical", each.state)), "No server is watched.");
  fill("held", actions.held.map((each) => item(each.title, "", each.grip + " · " + each.why)), "Nothing is held.");
  const since = Date.parse(metrics.since), until = Date.parse(metrics.until);
  at("chart").replaceChildren(...metrics.series.map((each) => line(each.points, since, until, each.series)));
  at("footer").textContent = "OmniTray " + status.version + " · " + status.figures;
}

async function keep() {
  try {
    await show();
  } catch (error) {
    at("headline").textContent = error.message === "401" ? "This session is over" : "OmniTray does not answer";
    at("detail").textContent = "Run omnitray dashboard for a new address.";
  }
  setTimeout(keep, EVERY_MS);
}

keep();
