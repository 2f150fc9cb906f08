// What the pages do beyond links and forms: keys, and times in the reader's own zone as well. Nothing needs it: without it, or if it
// fails, each page is as the server made it.
"use strict";
(() => {
  const one = (what, within = document) => within.querySelector(what);
  const all = (what, within = document) => [...within.querySelectorAll(what)];

  // A browser may keep nothing for a page.
  const kept = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
  const keep = (name, value) => { try { localStorage.setItem(name, value); } catch { /* until it is left, then */ } };

  // The exact time, in both zones.
  for (const time of all("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (!isNaN(moment)) time.title = `${time.dateTime}\n${moment.toLocaleString(undefined, { timeZoneName: "short" })}`;
  }

  // Commands are copied by a button, where the browser lets a page do so.
  for (const button of all("[data-copy]")) {
    const text = one(button.dataset.copy)?.textContent;
    if (!text || !navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; } catch { button.textContent = "Not allowed: select it"; }
    });
  }

  // Loaded again and again where the address asks for it, but never under the hands of who reads or writes.
  const seconds = Number(one("meta[name=refresh]")?.content);
  if (seconds) {
    const isBusy = () => document.hidden || one("dialog[open]") || document.activeElement?.closest("main") || String(getSelection());
    setInterval(() => { if (!isBusy()) location.reload(); }, seconds * 1000);
  }

  const dialog = one("dialog#keys");
  const toggle = dialog && one("[data-switch]", dialog);
  let on = kept("keys") !== "off";
  const told = () => { if (toggle) toggle.textContent = on ? "Turn keys off" : "Turn keys on"; };
  told();
  toggle?.addEventListener("click", () => {
    on = !on;
    keep("keys", on ? "on" : "off");
    told();
  });
  const showKeys = () => dialog && !dialog.open && dialog.showModal();
  one("a.help")?.addEventListener("click", (event) => {
    if (!dialog || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    showKeys();
  });

  // Where Enter opens a row: at what it leads to.
  const handle = (row) => one("[data-open]", row) || one(".what a, .what summary", row) || one("a, summary", row);
  const move = (step) => {
    const rows = all("main tbody tr, main .waterfall > li").filter((row) => row.offsetParent && handle(row));
    if (!rows.length) return;
    const at = rows.indexOf(document.activeElement?.closest("tr, .waterfall > li"));
    const to = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + step, 0), rows.length - 1)];
    handle(to).focus({ preventScroll: true });
    to.scrollIntoView({ block: "nearest" });
  };
  const turn = (rel) => {
    const link = one(`main a[rel=${rel}]`);
    if (link) link.click();
    else if (rel === "prev" && new URLSearchParams(location.search).has("after")) history.back();
  };
  const filter = () => {
    const field = one("main form.filter input:not([type=hidden]), main form.filter select");
    field?.focus();
    field?.select?.();
  };

  const keys = {
    "?": showKeys,
    "/": filter,
    j: () => move(1),
    k: () => move(-1),
    "[": () => turn("prev"),
    h: () => turn("prev"),
    "]": () => turn("next"),
    l: () => turn("next"),
    p: () => one("[data-pause]")?.click(),
  };
  const pages = new Map(all("header a[data-keys]").map((link) => [link.dataset.keys, link]));
  let began = -Infinity;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
    const field = event.target.closest?.("input, select, textarea");
    if (field) {
      if (event.key === "Escape") field.blur();
      return;
    }
    if (!on || dialog?.open) return;
    const within = event.timeStamp - began < 1500;
    began = event.key === "g" && !within ? event.timeStamp : -Infinity;
    const link = within && pages.get(`g ${event.key}`);
    const action = link ? () => link.click() : !within && Object.hasOwn(keys, event.key) && keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
})();
