/* What all tabs share: short messages that screen readers speak, tabs, copying, saving, asking the server, tables. */
"use strict";

window.NerPage = window.NerPage || {};

NerPage.element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
};

NerPage.count = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

NerPage.begin = () => {
  document.body.append(NerPage.element("div", {id: "told", class: "unseen", role: "status", "aria-live": "polite"}));
};
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", NerPage.begin);
else NerPage.begin();

NerPage.openTab = (name) =>
  [...document.querySelectorAll('[role="tab"]')].find((tab) => tab.textContent.trim() === name)?.click();

/* Also over plain http, where browsers have no clipboard interface. */
NerPage.copy = async (button, text) => {
  let done = false;
  if (navigator.clipboard && window.isSecureContext) {
    done = await navigator.clipboard.writeText(text).then(() => true, () => false);
  }
  if (!done) {
    const area = NerPage.element("textarea", {class: "unseen", "aria-hidden": "true"});
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
    button.focus();
  }
  NerPage.tell(button, done ? "Copied" : "Copying is blocked here");
};

/* A button says for a moment what it did, to screen readers too. */
NerPage.tell = (button, said) => {
  button.dataset.name ??= button.textContent;
  button.textContent = said;
  document.querySelector("#told").textContent = said;
  clearTimeout(button.telling);
  button.telling = setTimeout(() => {
    button.textContent = button.dataset.name;
    document.querySelector("#told").textContent = "";
  }, 2500);
};

NerPage.save = (name, kind, content) => {
  const link = NerPage.element("a", {download: name, href: URL.createObjectURL(new Blob([content], {type: `${kind};charset=utf-8`}))});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
};

NerPage.notice = (place, message) => {
  place.replaceChildren(...(message ? [NerPage.element("div", {class: "notice said", role: "alert"}, message)] : []));
};

NerPage.UNREACHED = "The page's server does not answer. What you entered is kept; try again in a moment.";
NerPage.AWAY = "The page's server does not answer. This page keeps asking until it does.";
NerPage.FORGOTTEN = "The page's server was restarted, which ended this. Start it again.";

/* A call of a function on the server: null where it cannot be reached or fails. */
NerPage.asking = (server) => (name, sent = {}) => Promise.resolve(server[name](sent)).then((answer) => answer ?? null, () => null);

/* Show in `place` how far a piece of work is until it has ended; `look()` asks the server, which may be away for a while. */
NerPage.follow = async (place, look) => {
  for (;;) {
    const found = await look();
    if (found?.html) place.innerHTML = found.html;
    else if (!found && place.textContent !== NerPage.AWAY) NerPage.notice(place, NerPage.AWAY);
    else if (found?.ended) NerPage.notice(place, NerPage.FORGOTTEN);
    if (found?.ended) return;
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
};

NerPage.table = (head, rows, name) => {
  const make = NerPage.element;
  return make("div", {class: "scroll sortable", tabindex: "0", role: "group", "aria-label": name},
    make("table", {}, make("thead", {}, make("tr", {}, ...head.map((title) =>
      make("th", {scope: "col"}, make("button", {type: "button"}, title))))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, String(cell))))))));
};

/* A click on the head of a sortable table sorts it by that column. */
document.addEventListener("click", (event) => {
  const head = event.target.closest?.(".sortable th");
  if (!head) return;
  const body = head.closest("table").tBodies[0], column = head.cellIndex;
  const order = new Intl.Collator("en", {numeric: true}).compare;
  const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
  const text = (row) => row.cells[column].textContent;
  body.append(...[...body.rows].sort((one, other) => sign * order(text(one), text(other))));
});
