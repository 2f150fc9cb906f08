// The live tail: the newest events on top, as many as the page has room for; of others it says how many there were. What clients sent
// only ever becomes nodes of text, in which marks that would turn other text are seen.
"use strict";
(() => {
  const live = document.querySelector("#live");
  if (!live || !window.EventSource) return;
  const [body, state, waits, pause] = ["tbody", "[role=status]", "[data-waits]", "[data-pause]"].map((what) => live.querySelector(what));
  const most = Number(live.dataset.rows);
  const gaps = "gaps" in live.dataset;
  let highest = Number(live.dataset.last ?? -1);
  let [waiting, skipped, paused, drawing, last] = [[], 0, false, 0, ""];
  // As `visible.rs` writes them.
  const visible = (text) => text.replace(/[\u061c-\u061c\u200e-\u200f\u202a-\u202e\u2066-\u2069]/g, (mark) => `\\u{${mark.charCodeAt(0).toString(16)}}`);
  const make = (tag, name, ...inner) => {
    const element = Object.assign(document.createElement(tag), { className: name });
    element.append(...inner.map((part) => (typeof part === "string" ? visible(part) : part)));
    return element;
  };
  const link = (name, href, ...inner) => Object.assign(make("a", name, ...inner), { href });
  const cut = (value) => {
    const text = typeof value === "string" ? value : JSON.stringify(value) ?? "";
    const shown = [...text.slice(0, 320)].slice(0, 160).join("");
    return make("bdi", "", (shown + (shown.length < text.length ? "…" : "")).replace(/\p{Cc}/gu, " "));
  };
  // A part of a path: an id that a path can't carry is written as `segment.rs` reads it.
  const segment = (id) => {
    const part = encodeURIComponent(id);
    if (!/^(\.{0,2}$|~~)|[/\\?#%\p{Cc}]/u.test(id)) return part;
    const left = part.replace(/[.~!*'()]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
    return `~~${left.replaceAll("%", "~")}`;
  };
  // What is no text or number is told as JSON: clients send anything.
  const said = (value) => (["string", "number"].includes(typeof value) ? String(value) : value ? JSON.stringify(value) : "");
  const told = (event) => {
    const [name, data] = [event.event_name, event.event_data ?? {}];
    if (event.event === "UNHANDLED_EXCEPTION") return [event.error_type, event.error_message];
    if (event.event !== "GENERIC_EVENT") return [said(event.event).toLowerCase().replaceAll("_", " "), event.duration];
    let parts = [];
    if (["span.start", "span.end", "operation"].includes(name)) {
      const took = typeof data.duration_ms === "number" ? `${Math.round(data.duration_ms)} ms` : "";
      parts = [data.span_name, took, data["error.type"], data["error.message"]];
    } else if (["log", "error", "user_error"].includes(name)) parts = [data.error_type, data.message];
    return [name, parts.map(said).filter(Boolean).join(" · ") || data];
  };
  const row = ({ id, json }) => {
    try { return rowOf(id, JSON.parse(json)); } catch { return rowOf(id, { event: "can't be shown" }); }
  };
  const rowOf = (id, event) => {
    const moment = new Date(event.timestamp);
    const exact = isNaN(moment) ? said(event.timestamp) : moment.toISOString();
    const time = make("time", "", make("span", "date", exact.slice(0, 10)), ` ${exact.slice(11, 23)}`);
    const severity = said(event.severity).toLowerCase();
    const [name, summary] = told(event);
    const session = said(event.session_id);
    const own = event.event === "GENERIC_EVENT" ? "" : " own";
    const cells = [
      make("span", `severity ${severity}`, severity),
      link("id", `/sessions/${segment(session)}`, make("bdi", "", session)),
    ].map((inner) => make("td", "", inner));
    const index = Number.isSafeInteger(event.event_session_index) && event.event_session_index >= 0 ? event.event_session_index : null;
    cells.push(make("td", "number", index ?? ""));
    const what = make("td", "what", link(`name${own}`, `/events/${id}`, cut(name)), " ", make("code", "", cut(summary)));
    const made = make("tr", severity, make("td", "when", Object.assign(time, { title: visible(exact) })), ...cells, what);
    return Object.assign(made, { number: index });
  };
  // What is missing before an event of the one session that is shown.
  const gap = (number) => {
    if (!gaps || number === null) return null;
    const [from, to] = [highest + 1, number - 1];
    highest = Math.max(highest, number);
    if (from > to) return null;
    const text = from === to ? `1 event is missing: #${from}` : `${to - from + 1} events are missing: #${from} to #${to}`;
    return make("tr", "gap", Object.assign(make("td", "", text), { colSpan: 5 }));
  };
  const withGap = (made) => [made, gap(made.number)].filter(Boolean);
  const mark = (count) => {
    const cell = make("td", "", `${count} more came here than there is room for: `, link("", live.dataset.list, "all of them"));
    return make("tr", "gap", Object.assign(cell, { colSpan: 5 }));
  };
  const tell = (text, name) => {
    if (state.textContent !== text) Object.assign(state, { textContent: text, className: `state ${name}` });
  };
  const listening = () => (paused ? tell("Paused", "paused") : tell("Live", "open"));
  const draw = () => {
    drawing = 0;
    const waited = waiting.length + skipped;
    waits.textContent = paused && waited ? `${waited} wait` : "";
    if (paused || !waited) return;
    const rows = waiting.map((event) => (event.id ? row(event) : event));
    // What was left out is not missing.
    if (skipped && gaps) highest = Math.max(highest, ...rows.slice(0, 1).map((made) => made.number - 1));
    const told = rows.map(withGap).reverse().flat();
    if (skipped) told.push(mark(skipped));
    [waiting, skipped] = [[], 0];
    body.prepend(...told);
    while (body.rows.length > most) body.deleteRow(-1);
    live.querySelector("[data-empty]").hidden = true;
  };
  const later = () => { drawing ||= setTimeout(draw, 50); };
  const listen = () => {
    const address = new URL(live.dataset.stream, location);
    if (last) address.searchParams.set("after", last);
    const source = new EventSource(address);
    source.onopen = listening;
    source.onmessage = ({ data, lastEventId }) => {
      last = lastEventId;
      const event = { id: lastEventId, json: data };
      // Of what is large the row is kept alone.
      waiting.push(data.length > 65536 ? row(event) : event);
      // One row is left for the mark.
      if (waiting.length >= most) skipped += waiting.splice(0, waiting.length - most + 1).length;
      later();
    };
    source.onerror = () => {
      tell("Not connected, trying again", "lost");
      // What the browser gives up is tried again from where it ended.
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
    };
  };
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    if (!state.classList.contains("lost")) listening();
    draw();
  });
  listen();
})();
