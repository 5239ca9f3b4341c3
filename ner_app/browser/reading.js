/* A running recognition: the parts received so far, and its cancellation. */
"use strict";

/* Milliseconds before anything is said; characters worth a look at how far it is. */
NerPage.PATIENCE = 120;
NerPage.LONG = 2_000;

NerPage.Reading = class {
  /* `waits()` is called once when there is no answer at once, `far(share)` then and again, `grown(answer, until)`
     with what was found in the first `until` units of the text. */
  constructor(ask, text, choice, {waits, far, grown}) {
    Object.assign(this, {ask, text, choice, waits, far, grown, until: 0, have: 0, partial: null});
    this.job = NerPage.unique();
  }

  /* Returns {answer}, of the first part alone where it was cancelled or broke off, {error} or {cancelled}. */
  async run() {
    const {text} = this;
    this.waiting = setTimeout(() => {
      this.waits();
      if (text.length > NerPage.LONG) this.polling = setInterval(() => this.look(), NerPage.LOOK);
    }, NerPage.PATIENCE);
    const found = await this.ask("recognize", {text, job: this.job, ...this.choice}) ?? {error: NerPage.UNREACHED};
    this.rest();
    if (found.end) return {answer: this.cut(found, NerPage.offsets.length(text, found.end))};
    if (found.kinds) return {answer: NerPage.answerOf(text, found)};
    if (this.partial) return {...found, answer: {...this.partial, text: text.slice(0, this.until), whole: text}};
    return found;
  }

  cut(found, until) {
    return {...NerPage.answerOf(this.text.slice(0, until), found), whole: this.text};
  }

  rest() {
    this.over = true;
    clearTimeout(this.waiting);
    clearInterval(this.polling);
  }

  cancel() {
    this.cancelled = true;
    this.ask("cancel", {job: this.job});
  }

  /* The answer is not needed any more. */
  abandon() {
    this.cancel();
    this.rest();
  }

  async look() {
    if (this.looking) return;
    this.looking = true;
    const news = await this.ask("progress", {job: this.job, have: this.have});
    this.looking = false;
    if (!news || this.over) return;
    this.far(news.share);
    for (const part of news.parts) this.take(part);
    if (news.parts.length) this.grown(this.partial, this.until);
  }

  take(part) {
    const rest = this.text.slice(this.until), before = this.partial, read = NerPage.answerOf(rest, part);
    const [entities, unlikely] = ["entities", "unlikely"].map((name) => [...before?.[name] ?? [],
      ...read[name].map((one) => ({...one, start: one.start + this.until, end: one.end + this.until}))]);
    const about = {...part.about, parts: (part.about.parts ?? []).map(([start, end, model]) => [start + part.start, end + part.start, model])};
    for (const [name, value] of Object.entries(before?.about ?? {})) {
      if (typeof value === "number") about[name] += value;
      else if (name === "parts") about.parts = [...value, ...about.parts];
    }
    this.partial = {kinds: part.kinds, entities, unlikely, groups: NerPage.plainGroups(this.text, entities), about, notes: part.notes, text: this.text};
    this.until += NerPage.offsets.length(rest, part.end - part.start);
    this.have += 1;
  }
};
