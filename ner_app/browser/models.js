/* The Models tab: cards, and one download at a time, which is followed again after a reload. */
"use strict";

NerPage.ModelsTab = class {
  constructor(root, server) {
    const at = (selector) => root.querySelector(selector);
    Object.assign(this, {root, at, ask: NerPage.asking(server)});
    root.addEventListener("click", (event) => {
      const {get, use, remove} = event.target.closest("button")?.dataset ?? {};
      if (get) this.install(get, event.target);
      if (use) this.use(use);
      if (remove) this.remove(remove);
    });
    at("#hub-form")?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.install(at("#hub-name").value, at("#install-hub"));
    });
    new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting)) this.measure(); }).observe(at("#zoo-table"));
    document.addEventListener("ner-models", () => this.list());
    this.task = new NerPage.BackgroundTask({ask: this.ask, begin: "install", look: "look", cancel: "cancel", key: "ner-installing",
      place: at("#zoo-status"), stop: at("#cancel-install")});
    this.list();
  }

  async list() {
    const found = await this.ask.last("zoo_cards");
    if (found) {
      NerPage.redraw(this.at("#zoo-table"), found.html);
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

  install(name, button) {
    this.task.begin({name}, `Starting ${name} …`, button);
  }

  async use(name) {
    document.dispatchEvent(new CustomEvent("ner-use", {detail: name}));
    (await NerPage.openTab("Text")).focus();
  }

  async remove(name) {
    if (!window.confirm(`Delete the downloaded files of ${name}?`)) return;
    const found = await this.ask("remove", {name}) ?? {error: NerPage.UNREACHED};
    if (found.error) return this.fail(found.error);
    this.at("#zoo-status").replaceChildren(NerPage.element("p", {class: "said facts", role: "status"}, found.said));
    document.dispatchEvent(new Event("ner-models"));
  }
};
