/* The Text tab: what the visitor wrote, how it is answered, and how it comes back after a reload. */
"use strict";

NerPage.MOST_PASTED = 20_000;
/* Kinds of names that the sentence about an answer still lists. */
NerPage.MANY_KINDS = 6;
NerPage.KEPT = "ner-page";
/* Writing many entities takes longer than a frame. */
NerPage.MOST_ENTITIES_KEPT = 20_000;

NerPage.TextTab = class {
  constructor(root, server, {samples, exports, names}) {
    const at = (selector) => root.querySelector(selector);
    Object.assign(this, {root, samples, exports, at, ask: NerPage.asking(server)});
    this.box = at("#text-box");
    this.status = at("#text-status");
    this.message = at("#text-message");
    this.answer = null;
    this.good = null;
    this.reading = null;
    this.cleared = null;
    this.options = new NerPage.Options(at, names);
    this.viewer = new NerPage.Editor(at("[data-viewer]"), {
      regroup: (answer) => this.ask("regroup", NerPage.forServer(answer)).then((groups) => groups?.error ? null : groups),
      changed: (how) => this.changed(how),
    });
    this.folds = new NerPage.Folds(root, this.ask, () => ({answer: this.answer, shown: () => this.viewer.shown()}));
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
      this.folds.rows(this.answer, this.viewer.shown()).map((row) => row.join("\t")).join("\n")));
    at("#copy-redacted").addEventListener("click", (event) => NerPage.copy(event.target, at("#redacted").value));
    box.addEventListener("input", () => { this.touched = true; this.marked(); this.keep(); });
    box.addEventListener("paste", () => setTimeout(() => {
      if (box.value.length <= NerPage.MOST_PASTED) this.recognize();
    }));
    // The sample makes way for what the visitor brings.
    box.addEventListener("focus", () => { if (this.sample && !this.touched) box.select(); });
    NerPage.onCtrlEnter(this.root, () => this.recognize({seen: true}));
    for (const button of this.root.querySelectorAll("[data-sample]")) {
      button.addEventListener("click", () => this.replace(this.samples[button.dataset.sample], (text) => {
        box.value = text;
        return this.recognize({seen: true});
      }));
    }
    for (const control of Object.values(this.options.controls)) control.addEventListener("change", () => this.choose());
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
    at("#options").addEventListener("toggle", () => at("#options").open && this.menus());
    document.addEventListener("ner-models", () => this.menus());
    document.addEventListener("ner-use", (event) => this.use(event.detail));
    window.addEventListener("hashchange", () => {
      const linked = new URLSearchParams(location.hash.slice(1));
      if (linked.has("text")) this.replace(linked.get("text"), () => this.open(linked));
    });
    window.addEventListener("pagehide", () => this.keepNow());
  }

  /* Waits for nothing: what was kept is there before the visitor can type, or reload again. */
  start() {
    const kept = NerPage.kept(NerPage.KEPT), linked = new URLSearchParams(location.hash.slice(1));
    this.menus();
    const teach = this.at("#teach");
    if (teach) new NerPage.Teach(teach, this);
    if (location.hash.length > 1 && linked.has("text") && kept?.hash !== location.hash) return this.open(linked);
    if (this.box.value) { // typed while the page was drawn
      this.touched = true;
      return this.recognize();
    }
    if (kept) {
      if (kept.tab) NerPage.openTab(kept.tab);
      return this.restore(kept);
    }
    this.box.value = this.samples[0];
    return this.recognize({sample: true});
  }

  async menus() {
    const menus = await this.ask("menus");
    if (!menus) return;
    this.options.fill(menus);
    if (!this.good?.model) this.good = this.chosen();
    this.summarize();
  }

  chosen() {
    return this.options.chosen();
  }

  setChosen(values) {
    this.options.set(values);
    this.summarize();
  }

  setLeast(least) {
    this.viewer.least = least;
    this.at("#threshold").value = least;
    this.summarize();
  }

  summarize() {
    this.options.summarize(this.viewer.least, this.viewer.hidden);
  }

  async use(model) {
    await this.menus();
    if (!(model in this.options.models)) return;
    this.options.controls.model.value = model;
    this.choose();
  }

  async choose() {
    this.options.precisions();
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
    const same = this.reading && !this.reading.cancelled && this.reading.text === text;
    if (same && JSON.stringify(this.reading.choice) === JSON.stringify(choice)) return false; // pressed again
    this.reading?.abandon();
    if (this.reading?.shown) this.at("#text-result").hidden = true;
    const before = this.answer;
    const reading = this.reading = new NerPage.Reading(this.ask, text, choice, {
      waits: () => this.waits(text.length),
      far: (share) => this.far(share),
      grown: (partial, until) => this.grown(partial, until, seen),
    });
    NerPage.notice(this.message, "");
    this.at("#answer").setAttribute("aria-busy", "true");
    const found = await reading.run();
    if (this.reading !== reading) return false;
    this.idle();
    if (seen && !reading.shown) NerPage.comeIntoView(this.at("#answer"));
    if (!found.answer) return this.failed(found, before);
    this.good = choice;
    this.offer(null);
    this.forgetLink(text);
    const past = this.corrected(before, found.answer);
    this.display(found.answer, {grows: Boolean(reading.shown), past});
    const cut = found.answer.whole ? "Only the beginning was read. Press Recognize to read the whole text." : "";
    const anew = past.length ? "The text was recognized again. Undo brings your corrections back." : "";
    NerPage.notice(this.message, [found.error, cut, anew, ...found.answer.notes].filter(Boolean).join("\n"));
    this.keep();
    return !cut;
  }

  /* Corrections of the same text are a step back from the new answer. */
  corrected(before, {text, kinds}) {
    const same = before?.text === text && before.kinds.map((kind) => kind.label).join() === kinds.map((kind) => kind.label).join();
    return same && this.viewer.past.length ? [...this.viewer.past, before.entities] : [];
  }

  failed({error, choice, cancelled}, before) {
    const names = (values) => Object.values(values).filter(Boolean).join(" · ");
    const back = choice && this.good && names(this.good) !== names(this.chosen());
    if (back) this.setChosen(this.good);
    const still = back ? `\nStill using ${names(this.good)}.` : "";
    NerPage.notice(this.message, cancelled ? "" : error + still);
    this.say(cancelled ? "Cancelled." : "");
    if (before) this.marked();
    if (error && this.stale) this.say("This answer is of the text before."); // pressing Recognize again would not update it
    return false;
  }

  display(answer, view = {}) {
    this.answer = answer;
    this.at("#text-result").hidden = false;
    this.viewer.show(answer, {hidden: this.viewer.hidden, least: this.viewer.least, ...view});
    this.changed();
  }

  waits(length) {
    this.say(`Reading ${NerPage.count(length, "character", "characters")} …`);
    this.at("#text-progress").removeAttribute("value");
    this.at("#text-busy").hidden = false;
  }

  far(share) {
    const bar = this.at("#text-progress");
    bar.value = share;
    bar.textContent = `${Math.round(100 * share)} %`;
  }

  /* Shows what was found so far while the rest is read; it cannot be corrected or saved yet. */
  grown(partial, until, seen) {
    const first = !this.reading.shown, {text} = partial;
    this.reading.shown = true;
    this.answer = null;
    this.at("#text-result").hidden = false;
    this.at("#text-result").classList.remove("stale");
    this.at("#text-result").classList.add("growing");
    this.viewer.show(partial, {until, grows: !first});
    this.say(`Reading: ${NerPage.count(partial.entities.length, "mention", "mentions")} in the first `
      + `${until.toLocaleString("en")} of ${text.length.toLocaleString("en")} characters …`);
    if (first && seen) NerPage.comeIntoView(this.at("#answer"));
  }

  idle() {
    this.reading = null;
    NerPage.hide(this.at("#text-busy"), this.box);
    this.at("#text-result").classList.remove("growing");
    this.at("#answer").removeAttribute("aria-busy");
  }

  /* What is done is kept: the server answers with it. */
  cancel() {
    const {reading} = this;
    if (!reading) return;
    if (reading.shown) {
      reading.cancel();
      this.say("Stopping …");
    } else {
      reading.abandon();
      this.idle();
      this.say("Cancelled.");
      if (this.answer) this.marked();
    }
  }

  say(text) {
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  get stale() {
    return Boolean(this.answer) && this.box.value !== (this.answer.whole ?? this.answer.text);
  }

  /* Says when the answer is of another text than the one in the box. */
  marked() {
    if (this.reading?.shown) return;
    this.at("#text-result").classList.toggle("stale", this.stale);
    if (!this.answer) this.say("");
    else if (this.stale) this.say("The text has changed since this answer. Press Recognize to update it.");
    else this.say(this.sentence());
  }

  /* "7 names: 2 people, 2 organisations, 3 places, in 9 ms"; of many kinds, how many there are */
  sentence() {
    const {kinds, groups, entities, about, text, whole} = this.answer;
    // Under aggregation `none`, B-PER and I-PER are both people.
    const counts = new Map(kinds.map(({one, many}) => [many, {one, many, count: 0}]));
    let names = 0, mentions = 0;
    for (const group of groups) {
      const shown = group.mentions.filter((index) => this.viewer.visible(entities[index])).length;
      if (shown) {
        counts.get(kinds[group.kind].many).count += 1;
        names += 1;
        mentions += shown;
      }
    }
    const parts = [...counts.values()].flatMap(({one, many, count}) => count ? [NerPage.count(count, one, many)] : []);
    const more = mentions > names ? `, mentioned ${mentions.toLocaleString("en")} times` : "";
    const hidden = entities.length - mentions;
    const found = NerPage.count(names, "name", "names");
    const said = parts.length > NerPage.MANY_KINDS ? `${found} of ${parts.length} kinds${more}` : `${found}${more}: ${parts.join(", ")}`;
    return (names ? said : "No names found")
      + (hidden ? ` (${hidden.toLocaleString("en")} hidden)` : "")
      + (whole ? `, in the first ${text.length.toLocaleString("en")} of ${whole.length.toLocaleString("en")} characters` : "")
      + `, in ${this.duration(about.total)}`;
  }

  duration(milliseconds) {
    return milliseconds < 1000 ? `${Math.max(1, Math.round(milliseconds))} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
  }

  changed({edited = false} = {}) {
    if (edited) NerPage.notice(this.message, ""); // it told of the answer as it was
    this.summarize();
    if (!this.answer) return; // cleared, or a part of what is still read
    this.answer = this.viewer.answer;
    this.marked();
    this.folds.draw();
    this.keep();
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

  /* The address bar must not offer the link of another text. */
  forgetLink(text) {
    const linked = new URLSearchParams(location.hash.slice(1)).get("text");
    if (linked !== null && linked !== text) history.replaceState(null, "", location.pathname + location.search);
  }

  async open(linked) {
    NerPage.openTab("Text");
    const value = (name) => linked.get(name) ?? "";
    this.box.value = value("text");
    const wanted = await this.ask.last("linked", Object.fromEntries(
      ["model", "device", "precision", "compute", "aggregation", "threshold"].map((name) => [name, value(name)]))) ?? {error: NerPage.UNREACHED};
    if (wanted.error) return NerPage.notice(this.message, wanted.error);
    this.viewer.hidden = new Set(value("hidden").split(",").filter(Boolean));
    this.setChosen(wanted);
    this.setLeast(wanted.threshold);
    await this.recognize();
    if (wanted.said) NerPage.notice(this.message, wanted.said);
  }

  clear() {
    this.reading?.abandon();
    this.idle();
    const before = this.box.value.trim() || this.answer ? this.state() : this.cleared;
    this.box.value = "";
    this.answer = null;
    this.sample = false;
    this.at("#text-result").hidden = true;
    this.offer(before);
    NerPage.notice(this.message, "");
    this.say("Cleared.");
    this.keep();
    this.box.focus();
  }

  /* An example or a link takes the place of what the visitor wrote, which can be restored. */
  async replace(text, use) {
    const own = this.touched && this.box.value.trim() && this.box.value !== text;
    const kept = own ? this.state() : this.cleared;
    this.touched = false;
    await use(text);
    if (kept) this.offer(kept);
  }

  offer(state) {
    this.cleared = state;
    this.at("#undo-clear").hidden = !state;
  }

  /* What was typed since then can be restored the same way. */
  async undoClear() {
    const {cleared} = this;
    this.offer(this.box.value.trim() ? this.state() : null);
    await this.restore(cleared);
    this.forgetLink(this.box.value);
    this.keep();
    this.box.focus();
  }

  state() {
    const {hidden, least, past, future} = this.viewer;
    return {text: this.box.value, sample: this.sample, chosen: this.chosen(), hidden: [...hidden], least, hash: location.hash,
      answer: this.answer, past: past.slice(-20), future: future.slice(-20),
      tab: document.querySelector('[role="tab"][aria-selected="true"]')?.textContent.trim()};
  }

  /* Writing takes longer than a frame when the text is long; so it waits for a pause. */
  keep() {
    clearTimeout(this.keeping);
    this.keeping = setTimeout(() => this.keepNow(), 250);
  }

  keepNow() {
    clearTimeout(this.keeping);
    const state = this.state(), {answer, past, future} = state;
    const entities = (answer?.entities.length ?? 0) * (1 + past.length + future.length);
    NerPage.keep(NerPage.KEPT, entities > NerPage.MOST_ENTITIES_KEPT ? {...state, answer: null, past: [], future: []} : state);
  }

  async restore(state) {
    NerPage.notice(this.message, ""); // it told of the text before
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
