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

/* What Gradio draws when it likes: `find()` is asked for up to a minute; who waits for what never comes goes no further. */
NerPage.drawn = async (find) => {
  for (let tries = 0; tries < 1_200; tries += 1) {
    const found = find();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return new Promise(() => {});
};

/* On a narrow page it may be in the menu behind the dots. */
NerPage.openTab = async (name) => {
  const tabs = () => [...document.querySelectorAll('[role="tab"], .overflow-dropdown button')];
  const tab = await NerPage.drawn(() => tabs().find((one) => one.textContent.trim() === name));
  tab.click();
  return tab;
};

/* What is hidden or drawn anew does not take the focus with it. */
NerPage.hide = (element, instead) => {
  const focused = element.contains(document.activeElement);
  element.hidden = true;
  if (focused) instead?.focus({preventScroll: true});
};
NerPage.redraw = (place, html) => {
  const buttons = () => [...place.querySelectorAll("button")], focused = buttons().indexOf(document.activeElement);
  const name = document.activeElement.getAttribute("aria-label");
  place.innerHTML = html;
  const same = buttons().find((button) => button.getAttribute("aria-label") === name) ?? buttons()[focused];
  if (focused >= 0) same?.focus({preventScroll: true});
};

NerPage.scrollTo = (element, block) => {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({block, behavior: still ? "auto" : "smooth"});
};

/* On a phone a result is below what asked for it: bring its first line up. */
NerPage.comeIntoView = (element) => {
  if (element.getBoundingClientRect().top > window.innerHeight / 2) NerPage.scrollTo(element, "start");
};

/* A key that is held down acts once. */
NerPage.onCtrlEnter = (root, act) => root.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  if (!event.repeat) act();
});

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

/* A button says for a moment, in milliseconds, what it did, to screen readers too. */
NerPage.MOMENT = 2_500;
NerPage.tell = (button, said) => {
  button.dataset.name ??= button.textContent;
  button.textContent = said;
  document.querySelector("#told").textContent = said;
  clearTimeout(button.telling);
  button.telling = setTimeout(() => {
    button.textContent = button.dataset.name;
    document.querySelector("#told").textContent = "";
  }, NerPage.MOMENT);
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

/* A name for a job that nobody else has, or guesses. */
NerPage.unique = () => [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join("-");

/* A call of a function on the server: null where it cannot be reached or fails. With `last`, earlier calls of the same
   function that are still on their way never come back: what they ask for is not wanted any more. */
NerPage.asking = (server) => {
  const ask = (name, sent = {}) => Promise.resolve(server[name](sent)).then((answer) => answer ?? null, () => null), calls = {};
  ask.last = async (name, sent) => {
    const call = calls[name] = {}, answer = await ask(name, sent);
    return calls[name] === call ? answer : new Promise(() => {});
  };
  return ask;
};

/* A value that is kept over a reload, in this tab of the browser alone unless another `storage` is named; null where there
   is none, or no storage. */
NerPage.kept = (key, storage = "sessionStorage") => {
  try {
    return JSON.parse(window[storage].getItem(key));
  } catch {
    return null;
  }
};
NerPage.keep = (key, value, storage = "sessionStorage") => {
  try {
    window[storage].setItem(key, JSON.stringify(value));
  } catch { /* storage is full or forbidden: a reload then begins anew */ }
};

/* Milliseconds between two looks at how far the server is. */
NerPage.LOOK = 300;

/* Work that goes on where the page is left, such as a download: begun, followed, after a reload too, and cancelled. */
NerPage.BackgroundTask = class {
  /* `begin`, `look` and `cancel` are functions of the server; `place` says how it goes, and may be in a fold; `stop` is the
     button that cancels it; `key` is where the browser keeps its token. */
  constructor({ask, begin, look, cancel, key, place, stop}) {
    Object.assign(this, {ask, names: {begin, look, cancel}, key, place, stop});
    stop.addEventListener("click", () => this.cancel());
    const token = NerPage.kept(key);
    if (token) this.follow(token);
  }

  /* Progress and Cancel show at once; a cancellation before the server has answered is kept. One at a time: of a second
     press `button` says so. */
  async begin(sent, said, button) {
    const {ask, names, place} = this, make = NerPage.element;
    if (this.running) return NerPage.tell(button, "Already running");
    this.token = null;
    this.wished = false;
    this.button = button;
    this.runs(true);
    place.scrollIntoView({block: "nearest"});
    place.replaceChildren(make("p", {class: "said facts", role: "status"}, said), make("progress", {"aria-label": "Progress"}));
    const begun = await ask(names.begin, sent) ?? {error: NerPage.UNREACHED};
    if (begun.error) {
      this.runs(false);
      return NerPage.notice(place, begun.error);
    }
    if (this.wished) ask(names.cancel, begun);
    NerPage.keep(this.key, begun.token);
    return this.follow(begun.token);
  }

  runs(on) {
    this.running = on;
    if (!on) return NerPage.hide(this.stop, this.button);
    this.stop.hidden = false;
    const fold = this.place.closest("details");
    if (fold) fold.open = true;
  }

  cancel() {
    this.wished = true;
    if (this.token) this.ask(this.names.cancel, {token: this.token});
    const said = this.place.querySelector(".said");
    if (said) said.textContent = "Cancelling …";
  }

  /* The server may be away for a while. */
  async follow(token) {
    const {place} = this;
    this.token = token;
    this.runs(true);
    for (;;) {
      const found = await this.ask(this.names.look, {token});
      if (found?.html) place.innerHTML = found.html;
      else if (!found && place.textContent !== NerPage.AWAY) NerPage.notice(place, NerPage.AWAY);
      else if (found?.ended) NerPage.notice(place, NerPage.FORGOTTEN);
      if (found?.ended) break;
      await new Promise((resolve) => setTimeout(resolve, NerPage.LOOK));
    }
    NerPage.keep(this.key, "");
    this.runs(false);
    document.dispatchEvent(new Event("ner-models"));
  }
};

NerPage.table = (head, rows, name) => {
  const make = NerPage.element;
  return make("div", {class: "scroll sortable", tabindex: "0", role: "group", "aria-label": name},
    make("table", {}, make("thead", {}, make("tr", {}, ...head.map((title) =>
      make("th", {scope: "col"}, make("button", {}, title))))),
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
