"use strict";
// Asks every two seconds where the runs are; loads the report again when there is a new one, and stays where one reads.
const byId = (id) => document.getElementById(id);
const frame = byId("report");
let shown = null;

const duration = (seconds) => {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
};

const line = (run) => {
  const item = document.createElement("li");
  item.className = run.state;
  const state = document.createElement("b");
  state.textContent = run.state;
  const parts = [run.name];
  if (run.state === "running") {
    parts.push(run.phase ?? "", run.progress === null ? "" : `${Math.round(100 * run.progress)}%`);
    if (run.seconds_left !== null) parts.push(`${duration(run.seconds_left)} left`);
  } else parts.push(run.reason ?? "");
  item.append(state, ` ${parts.filter(Boolean).join("  ")}`);
  return item;
};

const draw = (now) => {
  byId("bar").max = Math.max(now.total, 1);
  byId("bar").value = now.done;
  const counts = Object.entries(now.counts).filter(([name]) => name !== "finished").map(([name, n]) => `, ${n} ${name}`);
  const left = now.seconds_left === null ? "" : `, about ${duration(now.seconds_left)} left`;
  const words = `${now.counts.finished ?? 0} of ${now.total} runs finished${counts.join("")}${left}`;
  if (byId("counts").textContent !== words) byId("counts").textContent = words;
  byId("said").textContent = now.report.problem ?? (now.report.lacks ? `the report below lacks ${now.report.lacks} of the results; it is being made anew` : "");
  const more = Object.entries(now.more).map(([state, n]) => ({ state, name: `and ${n} more`, progress: null, seconds_left: null }));
  const runs = [...now.running, ...now.trouble, ...more];
  byId("list").replaceChildren(...runs.map(line));
  byId("runs").hidden = runs.length === 0;
  byId("none").hidden = now.report.version > 0;
  frame.hidden = now.report.version === 0;
};

const reload = (version) => {
  const place = frame.contentWindow.scrollY;
  if (shown !== null || version > 0) {
    frame.addEventListener("load", () => frame.contentWindow.scrollTo(0, place), { once: true });
    frame.contentWindow.location.replace(`report?version=${version}`);
  }
  shown = version;
};

const ask = async () => {
  try {
    const answer = await fetch("status.json");
    if (!answer.ok) throw new Error(String(answer.status));
    const now = await answer.json();
    draw(now);
    if (now.report.version !== shown) reload(now.report.version);
  } catch {
    byId("said").textContent = "the dashboard has ended, or does not answer; what is shown may be old";
  }
  setTimeout(ask, 2000);
};
ask();
