/* The Models tab: cards, and one download at a time, which is followed again after a reload. */
"use strict";

NerPage.INSTALLING = "ner-installing";

NerPage.ModelsTab = class {
  constructor(root, server) {
    const at = (selector) => root.querySelector(selector);
    Object.assign(this, {root, at, ask: NerPage.asking(server)});
    root.addEventListener("click", (event) => {
      const {get, use, remove} = event.target.closest("button")?.dataset ?? {};
      if (get) this.install(get);
      if (use) this.use(use);
      if (remove) this.remove(remove);
    });
    at("#install-hub")?.addEventListener("click", () => this.install(at("#hub-name").value));
    new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting)) this.measure(); }).observe(at("#zoo-table"));
    at("#cancel-install").addEventListener("click", () => {
      this.wished = true;
      if (this.token) this.ask("cancel", {token: this.token});
    });
  }

  async start() {
    await this.list();
    const token = sessionStorage.getItem(NerPage.INSTALLING);
    if (token) this.follow(token);
  }

  async list() {
    const found = await this.ask("zoo_cards");
    if (found) {
      this.at("#zoo-table").innerHTML = found.html;
      if (this.root.offsetParent) this.measure();
    }
    else this.fail("The page's server does not answer. Reload the page in a moment.");
  }

  /* The speed of each model on this machine, measured one by one when the cards are in view. */
  async measure() {
    for (const place of this.root.querySelectorAll("[data-measured]:not([data-asked])")) {
      place.dataset.asked = "";
      const found = await this.ask("measured", {name: place.dataset.measured});
      place.textContent = found?.said ?? found?.error ?? "could not be measured";
    }
  }

  fail(message) {
    NerPage.notice(this.at("#zoo-status"), message);
  }

  /* Progress and Cancel show at once; a cancellation before the server has answered is kept. */
  async install(name) {
    const make = NerPage.element;
    this.token = null;
    this.wished = false;
    this.at("#zoo-status").replaceChildren(make("p", {class: "said facts", role: "status"}, `Starting ${name} …`),
      make("progress", {"aria-label": "Progress"}));
    this.at("#cancel-install").hidden = false;
    this.at("#zoo-status").scrollIntoView({block: "nearest"});
    const found = await this.ask("install", {name}) ?? {error: NerPage.UNREACHED};
    if (found.error) {
      this.at("#cancel-install").hidden = true;
      return this.fail(found.error);
    }
    if (this.wished) this.ask("cancel", {token: found.token});
    sessionStorage.setItem(NerPage.INSTALLING, found.token);
    this.follow(found.token);
  }

  async follow(token) {
    this.token = token;
    this.at("#cancel-install").hidden = false;
    this.at("#zoo-status").scrollIntoView({block: "nearest"});
    await NerPage.follow(this.at("#zoo-status"), () => this.ask("look", {token}));
    sessionStorage.removeItem(NerPage.INSTALLING);
    this.at("#cancel-install").hidden = true;
    await this.list();
    document.dispatchEvent(new Event("ner-models"));
  }

  use(name) {
    document.dispatchEvent(new CustomEvent("ner-use", {detail: name}));
    NerPage.openTab("Text");
  }

  async remove(name) {
    if (!window.confirm(`Delete the downloaded files of ${name}?`)) return;
    const found = await this.ask("remove", {name}) ?? {error: NerPage.UNREACHED};
    if (found.error) return this.fail(found.error);
    this.at("#zoo-status").replaceChildren(NerPage.element("p", {class: "said facts", role: "status"}, found.said));
    await this.list();
    document.dispatchEvent(new Event("ner-models"));
  }
};
