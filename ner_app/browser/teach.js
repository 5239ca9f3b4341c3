/* Teach, at home only: corrected texts are collected in this browser, and the server makes a model of them. */
"use strict";

NerPage.CORRECTED = "ner-corrected";

NerPage.Teach = class {
  constructor(root, tab) {
    const at = (selector) => root.querySelector(selector);
    Object.assign(this, {root, tab, at, texts: NerPage.kept(NerPage.CORRECTED, "localStorage") ?? []});
    at("#collect").addEventListener("click", (event) => { this.collect(); NerPage.tell(event.target, "Added"); });
    at("#forget-texts").addEventListener("click", () => this.forget());
    at("#teach-start").addEventListener("click", (event) => this.start(event.target));
    at("#teach-status").addEventListener("click", (event) => {
      const name = event.target.closest("[data-use]")?.dataset.use;
      if (name) document.dispatchEvent(new CustomEvent("ner-use", {detail: name}));
    });
    root.addEventListener("toggle", () => { this.name(); this.plan(); });
    tab.options.controls.model.addEventListener("change", () => this.plan());
    // The texts are those of all tabs of this browser.
    window.addEventListener("storage", (event) => {
      if (event.key !== NerPage.CORRECTED) return;
      this.texts = NerPage.kept(NerPage.CORRECTED, "localStorage") ?? [];
      this.summarize();
    });
    this.summarize();
    this.task = new NerPage.BackgroundTask({ask: tab.ask, begin: "teach", look: "look_taught", cancel: "cancel_teaching",
      key: "ner-teaching", place: at("#teach-status"), stop: at("#cancel-teach")});
  }

  /* One entry per text: a text that is corrected again replaces its earlier entry. */
  collect() {
    const {text, labels, entities} = NerPage.forServer(this.tab.answer);
    this.texts = [...this.texts.filter((one) => one.text !== text), {text, labels, entities}];
    this.store();
  }

  forget() {
    this.texts = [];
    this.store();
  }

  store() {
    NerPage.keep(NerPage.CORRECTED, this.texts, "localStorage");
    this.summarize();
  }

  summarize() {
    this.at("#teach-summary").textContent = this.texts.length ? `${NerPage.count(this.texts.length, "text", "texts")} collected` : "";
    this.at("#forget-texts").disabled = !this.texts.length;
    this.plan();
  }

  /* What is collected, what is missing, and what a lesson would do; the server knows what the model gets wrong. */
  async plan() {
    const place = this.at("#teach-plan"), {texts} = this, {model, device} = this.tab.chosen();
    if (!this.root.open) return;
    const found = texts.length ? await this.tab.ask.last("lesson_so_far", {model, device, texts}) : {said: "No text is collected yet."};
    if (texts === this.texts) place.textContent = found?.said ?? found?.error ?? "";
  }

  /* A name that no model has yet; what the visitor typed stays. */
  name() {
    const box = this.at("#taught-name"), {model} = this.tab.chosen(), {models} = this.tab.options;
    const own = `my-${model === "auto" ? "ner" : model.replace(/[^A-Za-z0-9_-]+/g, "-")}`;
    if (!this.root.open || (box.value && !(box.value in models))) return;
    let name = own;
    for (let number = 2; name in models; number += 1) name = `${own}-${number}`;
    box.value = name;
  }

  start(button) {
    if (this.tab.viewer.past.length) this.collect();
    const {model, device} = this.tab.chosen();
    this.task.begin({name: this.at("#taught-name").value, model, device, texts: this.texts}, "Starting …", button);
  }
};
