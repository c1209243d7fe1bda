"use strict";
// Everything is set as text; nothing of what is read is ever markup.
const EVERY_MS = 3000;
const JOBS = 8;
const HOUR_MS = 3600000;
const SERVER_WORDS = { slow: "slow to start", crash_loop: "crash loop", foreign: "port taken" };
const live = []; // what was read since the page is open: minutes are written once they are over
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

function cost(job) {
  const cpu = job.cpu_percent === null ? "–" : Math.round(job.cpu_percent) + " %";
  return cpu + " · " + Math.round(job.rss_bytes / 1e6) + " MB";
}

function drawn(series, since, until) {
  const past = series.points.map((each) => [Date.parse(each.at), each.mean]);
  const begun = live.length ? live[0].at : Infinity;
  const now = live.map((each) => [each.at, each[series.series]]).filter((each) => each[1] !== null);
  return line([...past.filter((each) => each[0] < begun), ...now], since, until, series.series);
}

function grid(percent) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "line");
  const y = 118 - 1.16 * percent;
  for (const [name, value] of [["x1", 0], ["x2", 600], ["y1", y], ["y2", y]]) made.setAttribute(name, value);
  made.setAttribute("class", "grid");
  return made;
}

function line(points, since, until, kind) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  const x = (at) => Math.max(0, (600 * (at - since)) / (until - since)).toFixed(2);
  made.setAttribute("points", points.map(([at, value]) => `${x(at)},${(118 - 1.16 * value).toFixed(1)}`).join(" "));
  made.setAttribute("class", kind);
  return made;
}

async function show() {
  const [status, health, active, jobs, servers, actions, metrics] = await Promise.all([
    ask("status"), ask("health"), ask("alerts/active"), ask("jobs"), ask("servers"), ask("actions"),
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
  fill("jobs", jobs.jobs.slice(0, JOBS).map(
    (each) => item(each.title, "", cost(each))), "No job is known yet.");
  fill("servers", servers.servers.map((each) => item(each.name, each.state === "up" ? "good" : "critical", SERVER_WORDS[each.state] || each.state)), "No server is watched.");
  fill("held", actions.held.map((each) => item(each.title, "", each.grip + " · " + each.why)), "Nothing is held.");
  const since = Date.parse(metrics.since), until = Date.parse(metrics.until);
  live.push({ at: until, cpu: health.cpu.percent, memory: health.memory.percent });
  while (live[0].at < until - HOUR_MS) live.shift();
  at("chart").replaceChildren(
    ...[0, 50, 100].map(grid), ...metrics.series.map((each) => drawn(each, since, until)));
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
