/* The Text tab: what the visitor wrote, how it is answered, and how it comes back after a reload. */
"use strict";

NerPage.KEPT = "ner-page";
NerPage.MOST_KEPT = 2_000_000;
NerPage.MOST_PASTED = 20_000;
NerPage.TABLE_ROWS = 1_000;
NerPage.UNREACHED = "The page's server does not answer. Your text is kept here; press Recognize again in a moment.";

NerPage.TextTab = class {
  constructor(root, server, {samples, exports, names}) {
    const at = (selector) => root.querySelector(selector);
    Object.assign(this, {root, samples, exports, names, at, ask: NerPage.asking(server)});
    this.box = at("#text-box");
    this.status = at("#text-status");
    this.message = at("#text-message");
    this.answer = null;
    this.good = null;
    this.job = 0;
    this.cleared = null;
    this.options = {};
    for (const name of ["model", "device", "precision", "compute"]) this.options[name] = at(`#text-${name}`);
    this.options.aggregation = at("#aggregation");
    this.viewer = new NerPage.Viewer(at("[data-viewer]"), {
      regroup: (answer) => this.ask("regroup", NerPage.forServer(answer)).then((groups) => groups?.error ? null : groups),
      changed: () => this.changed(),
    });
    this.wire();
  }

  wire() {
    const {at, box} = this;
    at("#recognize").addEventListener("click", () => this.recognize({seen: true}));
    at("#clear").addEventListener("click", () => this.clear());
    at("#undo-clear").addEventListener("click", () => this.undoClear());
    at("#cancel-text").addEventListener("click", () => this.cancel());
    at("#share").addEventListener("click", (event) => this.share(event.target));
    at("#copy-table").addEventListener("click", (event) => NerPage.copy(event.target,
      this.rows().map((row) => row.join("\t")).join("\n")));
    at("#copy-redacted").addEventListener("click", (event) => NerPage.copy(event.target, at("#redacted").value));
    box.addEventListener("input", () => { this.touched = true; this.marked(); this.keep(); });
    box.addEventListener("paste", () => setTimeout(() => {
      if (box.value.length <= NerPage.MOST_PASTED) this.recognize();
    }));
    // The sample makes way for what the visitor brings.
    box.addEventListener("focus", () => { if (this.sample && !this.touched) box.select(); });
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.recognize({seen: true});
      }
    });
    for (const button of this.root.querySelectorAll("[data-sample]")) {
      button.addEventListener("click", () => {
        box.value = this.samples[button.dataset.sample];
        this.recognize({seen: true});
      });
    }
    for (const control of Object.values(this.options)) control.addEventListener("change", () => this.choose());
    at("#threshold").addEventListener("input", (event) => {
      const least = Number(event.target.value);
      if (this.answer) this.viewer.filter({least, sliding: true});
      else this.viewer.least = least;
      this.summarize();
      this.keep();
    });
    for (const button of this.root.querySelectorAll("[data-export]")) {
      button.addEventListener("click", () => this.export(button));
    }
    for (const fold of ["#entity-table", "#redaction"]) at(fold).addEventListener("toggle", () => this.drawFolds());
    for (const choice of this.root.querySelectorAll('[name="redaction-style"]')) {
      choice.addEventListener("change", () => this.drawFolds());
    }
    at("#options").addEventListener("toggle", () => at("#options").open && this.menus());
    document.addEventListener("ner-models", () => this.menus());
    document.addEventListener("ner-use", (event) => this.use(event.detail));
    window.addEventListener("pagehide", () => this.keepNow());
  }

  async start() {
    const kept = this.kept(), linked = new URLSearchParams(location.hash.slice(1));
    await this.menus();
    const teach = this.at("#teach");
    if (teach) new NerPage.Teach(teach, this);
    if (location.hash.length > 1 && linked.has("text") && kept?.hash !== location.hash) return this.open(linked);
    if (kept) return this.restore(kept);
    if (!this.touched) {
      this.box.value = this.samples[0];
      this.sample = true;
    }
    return this.recognize({sample: true});
  }

  /* Menus follow the models on the server's machine; what is chosen stays where it still exists. */
  async menus() {
    const menus = await this.ask("menus");
    if (!menus) return;
    this.models = menus.models;
    const make = NerPage.element, {model, device} = this.options;
    const chosen = model.value || menus.default;
    model.replaceChildren(...Object.keys(menus.models).map((name) => make("option", {value: name}, this.names[name] ?? name)));
    model.value = chosen in menus.models ? chosen : menus.default;
    const devices = menus.devices.map(([title, name]) => make("option", {value: name}, title));
    if (device.list) {
      device.list.replaceChildren(...devices);
      device.value ||= "AUTO";
    } else {
      const before = device.value || "AUTO";
      device.replaceChildren(...devices);
      device.value = before;
    }
    this.precisions(this.options.precision.value);
    this.good ??= this.chosen();
    this.summarize();
  }

  precisions(wanted = "") {
    const known = this.models[this.options.model.value] ?? [];
    this.options.precision.replaceChildren(
      NerPage.element("option", {value: ""}, "Best for the device"),
      ...known.map((name) => NerPage.element("option", {value: name}, name)));
    this.options.precision.value = known.includes(wanted) ? wanted : "";
  }

  chosen() {
    return Object.fromEntries(Object.entries(this.options).map(([name, control]) => [name, control.value.trim()]));
  }

  setChosen(values) {
    for (const name of ["model", "device", "aggregation"]) if (values[name]) this.options[name].value = values[name];
    this.options.compute.value = values.compute ?? "";
    this.precisions(values.precision);
    this.summarize();
  }

  setLeast(least) {
    this.viewer.least = least;
    this.at("#threshold").value = least;
    this.summarize();
  }

  summarize() {
    const {model, device, precision, compute, aggregation} = this.chosen(), least = this.viewer.least;
    this.at("#threshold-shown").textContent = least.toFixed(2);
    const parts = [this.names[model] ?? model, device, precision || "best precision", aggregation || "the model's words"];
    if (compute) parts.push(`${compute} arithmetic`);
    if (least > 0) parts.push(`score from ${least.toFixed(2)}`);
    if (this.viewer.hidden.size) parts.push(`without ${[...this.viewer.hidden].join(", ")}`);
    this.at("#options-summary").textContent = parts.join(" · ");
  }

  async use(model) {
    await this.menus();
    if (!(model in this.models)) return;
    this.options.model.value = model;
    this.choose();
  }

  async choose() {
    this.precisions(this.options.precision.value);
    this.summarize();
    if (this.box.value.trim()) await this.recognize();
    else this.good = this.chosen();
    this.keep();
  }

  async recognize({sample = false, seen = false} = {}) {
    const text = this.box.value, choice = this.chosen();
    this.sample = sample;
    if (!text.trim()) {
      NerPage.notice(this.message, "There is no text yet. Type or paste one, or pick an example.");
      return false;
    }
    if (this.running) this.ask("cancel", {job: this.running});
    const job = this.running = `${Date.now()}-${(this.job += 1)}-${Math.random().toString(36).slice(2)}`;
    NerPage.notice(this.message, "");
    this.busy(job, text.length);
    const found = await this.ask("recognize", {text, job, ...choice}) ?? {error: NerPage.UNREACHED};
    if (this.running !== job) return false;
    this.running = null;
    this.idle();
    if (found.error || found.cancelled) {
      if (found.choice && this.good) this.setChosen(this.good);
      const still = found.choice && this.good ? `\nStill using ${Object.values(this.good).filter(Boolean).join(" · ")}.` : "";
      NerPage.notice(this.message, found.cancelled ? "" : found.error + still);
      this.say(found.cancelled ? "Cancelled." : "");
      if (this.answer) this.marked();
      return false;
    }
    this.good = choice;
    this.at("#undo-clear").hidden = true;
    this.display(NerPage.answerOf(text, found));
    NerPage.notice(this.message, found.notes.join("\n"));
    if (seen) this.comeIntoView();
    this.keep();
    return true;
  }

  display(answer, view = {}) {
    this.answer = answer;
    this.at("#text-result").hidden = false;
    this.viewer.show(answer, {hidden: this.viewer.hidden, least: this.viewer.least, ...view});
    this.changed();
  }

  /* On a phone the answer is below the text box: bring its first line up. */
  comeIntoView() {
    const place = this.at("#answer").getBoundingClientRect();
    if (place.top > window.innerHeight / 2) {
      const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.at("#answer").scrollIntoView({block: "start", behavior: still ? "auto" : "smooth"});
    }
  }

  busy(job, length) {
    this.at("#answer").setAttribute("aria-busy", "true");
    const bar = this.at("#text-progress");
    bar.removeAttribute("value");
    clearInterval(this.polling);
    clearTimeout(this.showing);
    this.showing = setTimeout(() => {
      this.say(`Reading ${NerPage.count(length, "character", "characters")} …`);
      this.at("#text-busy").hidden = false;
      if (length > 2_000) this.polling = setInterval(async () => {
        const share = await this.ask("progress", {job});
        if (share !== null && this.running === job) {
          bar.value = share;
          bar.textContent = `${Math.round(100 * share)} %`;
        }
      }, 300);
    }, 120);
  }

  idle() {
    clearInterval(this.polling);
    clearTimeout(this.showing);
    this.at("#text-busy").hidden = true;
    this.at("#answer").removeAttribute("aria-busy");
  }

  cancel() {
    if (this.running) this.ask("cancel", {job: this.running});
    this.running = null;
    this.idle();
    this.say("Cancelled.");
    if (this.answer) this.marked();
    this.box.focus();
  }

  say(text) {
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  get stale() {
    return Boolean(this.answer) && this.box.value !== this.answer.text;
  }

  /* An answer of another text than the one in the box says so. */
  marked() {
    this.at("#text-result").classList.toggle("stale", this.stale);
    if (!this.answer) this.say("");
    else if (this.stale) this.say("The text has changed since this answer; Recognize answers it anew.");
    else this.say(this.sentence());
  }

  /* "7 names: 2 people, 2 organisations, 3 places, in 9 ms" */
  sentence() {
    const {kinds, groups, entities, about} = this.answer;
    const counts = kinds.map(() => 0);
    let names = 0, mentions = 0;
    for (const group of groups) {
      const shown = group.mentions.filter((index) => this.viewer.visible(entities[index])).length;
      if (shown) {
        counts[group.kind] += 1;
        names += 1;
        mentions += shown;
      }
    }
    const parts = kinds.flatMap((kind, index) => counts[index] ? [NerPage.count(counts[index], kind.one, kind.many)] : []);
    const more = mentions > names ? `, mentioned ${mentions.toLocaleString("en")} times` : "";
    const hidden = entities.length - mentions;
    return (names ? `${NerPage.count(names, "name", "names")}${more}: ${parts.join(", ")}` : "No names found")
      + (hidden ? ` (${hidden.toLocaleString("en")} hidden)` : "") + `, in ${this.duration(about.total)}`;
  }

  duration(milliseconds) {
    return milliseconds < 1000 ? `${Math.max(1, Math.round(milliseconds))} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
  }

  changed() {
    this.answer = this.viewer.answer;
    this.marked();
    this.summarize();
    this.drawFolds();
    this.keep();
  }

  rows() {
    const {text, kinds} = this.answer, entities = this.viewer.shown();
    return [["Text", "Label", "Score", "Start", "End"],
      ...NerPage.offsets.toServer(text, entities).map(({start, end, kind, score}, index) =>
        [text.slice(entities[index].start, entities[index].end).split(/\s+/).join(" "), kinds[kind].label, score.toFixed(4), start, end])];
  }

  /* Which model had which part, where the language chose: at most twenty lines. */
  chosenByLanguage() {
    const {text, about} = this.answer, characters = [...text], parts = about.parts ?? [];
    if (!parts.length) return [];
    const lines = parts.length < 2 ? [parts[0][2]] : parts.slice(0, 20).map(([start, end, model]) => {
      const written = characters.slice(start, Math.min(end, start + 40)).join("").trim().split(/\s+/).join(" ");
      return `${model}: \u2068${written}${end - start > 40 ? " …" : ""}\u2069`;
    });
    if (parts.length > 20) lines.push(`… and ${parts.length - 20} more parts`);
    return [`Chosen by language: ${lines[0]}`, ...lines.slice(1)].flatMap((line) => [line, NerPage.element("br")]);
  }

  /* What is folded away is made when it is opened. */
  async drawFolds() {
    if (!this.answer) return;
    const {at, answer} = this, {about} = answer, make = NerPage.element;
    at("#text-facts").replaceChildren(...this.chosenByLanguage(),
      `${about.model} on ${about.device} (${about.precision}${about.compute ? `, computed in ${about.compute}` : ""})`, make("br"),
      `${NerPage.count(about.pieces, "word piece", "word pieces")} in ${NerPage.count(about.windows, "window", "windows")}`, make("br"),
      `tokenize ${about.tokenization.toFixed(1)} ms · infer ${about.inference.toFixed(1)} ms · `
        + `decode ${about.decoding.toFixed(1)} ms · total ${about.total.toFixed(1)} ms`);
    if (at("#entity-table").open) {
      const [head, ...rows] = this.rows();
      at("#entity-table > div").replaceChildren(NerPage.table(head, rows.slice(0, NerPage.TABLE_ROWS), "Table of the names"),
        rows.length > NerPage.TABLE_ROWS ? make("p", {class: "hint"}, `The first ${NerPage.TABLE_ROWS.toLocaleString("en")} of ${rows.length.toLocaleString("en")}; the saved files have all.`) : "");
    }
    if (at("#redaction").open) {
      const style = this.root.querySelector('[name="redaction-style"]:checked').value;
      const redacted = await this.ask("redact", {...NerPage.forServer(answer), style}) ?? {error: NerPage.UNREACHED};
      if (this.answer === answer) at("#redacted").value = redacted.error ?? redacted.text;
    }
  }

  async export(button) {
    if (this.stale && !await this.recognize()) return;
    const {name, kind, all} = this.exports[button.dataset.export];
    const entities = all ? this.answer.entities : this.viewer.shown();
    const written = await this.ask("export",
      {...NerPage.forServer(this.answer, entities), format: button.dataset.export}) ?? {error: NerPage.UNREACHED};
    if (written.error) return NerPage.notice(this.message, written.error);
    NerPage.save(name, kind, written.content);
    NerPage.tell(button, "Saved");
  }

  /* What stands behind "#" is never sent to a server, so a shared text stays between the two people. */
  share(button) {
    const state = new URLSearchParams({text: this.box.value, ...this.chosen(),
      threshold: this.viewer.least, hidden: [...this.viewer.hidden].join(",")});
    history.replaceState(null, "", `#${state}`);
    this.keep();
    NerPage.copy(button, location.href);
  }

  async open(linked) {
    const value = (name) => linked.get(name) ?? "";
    const wanted = await this.ask("linked", Object.fromEntries(
      ["model", "device", "precision", "compute", "aggregation", "threshold"].map((name) => [name, value(name)]))) ?? {error: NerPage.UNREACHED};
    if (!this.touched) this.box.value = value("text");
    if (wanted.error) return NerPage.notice(this.message, wanted.error);
    this.viewer.hidden = new Set(value("hidden").split(",").filter(Boolean));
    this.setChosen(wanted);
    this.setLeast(wanted.threshold);
    await this.recognize();
    if (wanted.said) NerPage.notice(this.message, wanted.said);
  }

  clear() {
    if (this.running) this.cancel();
    this.cleared = this.state();
    this.box.value = "";
    this.answer = null;
    this.sample = false;
    this.at("#text-result").hidden = true;
    this.at("#undo-clear").hidden = false;
    NerPage.notice(this.message, "");
    this.say("Cleared.");
    this.keep();
    this.box.focus();
  }

  async undoClear() {
    this.at("#undo-clear").hidden = true;
    await this.restore(this.cleared);
    this.keep();
    this.box.focus();
  }

  state() {
    const {hidden, least, past, future} = this.viewer;
    return {text: this.box.value, sample: this.sample, chosen: this.chosen(), hidden: [...hidden], least, hash: location.hash,
      answer: this.answer, past: past.slice(-20), future: future.slice(-20)};
  }

  /* Writing takes longer than a frame when the text is long; so it waits for a pause. */
  keep() {
    clearTimeout(this.keeping);
    this.keeping = setTimeout(() => this.keepNow(), 250);
  }

  keepNow() {
    clearTimeout(this.keeping);
    const write = (state) => sessionStorage.setItem(NerPage.KEPT, JSON.stringify(state));
    try {
      const state = this.state();
      const large = state.text.length * 8 > NerPage.MOST_KEPT || (state.answer?.entities.length ?? 0) * (1 + state.past.length) > 20_000;
      write(large ? {...state, answer: null, past: [], future: []} : state);
    } catch { /* storage is full or forbidden: a reload then begins anew */ }
  }

  kept() {
    try {
      return JSON.parse(sessionStorage.getItem(NerPage.KEPT));
    } catch {
      return null;
    }
  }

  async restore(state) {
    this.box.value = state.text;
    this.touched = !state.sample;
    this.sample = state.sample;
    this.setChosen(state.chosen);
    this.viewer.hidden = new Set(state.hidden);
    this.setLeast(state.least);
    this.good = this.chosen();
    if (state.answer) this.display(state.answer, {past: state.past, future: state.future});
    else if (state.text.trim()) await this.recognize({sample: state.sample});
  }
};
