/* A viewer whose names can be corrected: another label, other borders, removed, added; undone and redone. */
"use strict";

NerPage.Editor = class extends NerPage.Viewer {
  /* `regroup(answer)` asks the server for the groups of corrected entities. */
  constructor(root, {regroup, changed}) {
    super(root, {changed});
    this.regroup = regroup;
    this.past = [];
    this.future = [];
    this.editing = NerPage.element("div", {class: "buttons editing", hidden: true});
    this.root.append(this.editing);
    this.words = null;
    this.text.setAttribute("aria-keyshortcuts",
      "ArrowLeft ArrowRight Shift+ArrowLeft Shift+ArrowRight Enter Escape Delete Control+Z Control+Shift+Z Control+Y");
    this.text.setAttribute("aria-label", `${this.text.getAttribute("aria-label")} Enter goes to what can be corrected; `
      + "Shift and an arrow key choose words that are to be a name.");
    this.text.addEventListener("pointerdown", () => { this.words = null; });
    this.text.addEventListener("pointerup", () => setTimeout(() => this.offerSelection()));
  }

  show(answer, {past = [], future = [], ...view} = {}) {
    this.past = past;
    this.future = future;
    super.show(answer, view);
    this.drawEditing();
  }

  /* Corrections: change the label or the borders, or remove; this mention, or all with the same text. */
  more(entity, index) {
    if (this.until < this.answer.text.length) return [];
    const make = NerPage.element, {text, entities, kinds} = this.answer;
    const written = text.slice(entity.start, entity.end);
    const same = entities.filter((other) => text.slice(other.start, other.end) === written).length;
    const all = same > 1 ? make("input", {type: "checkbox", "data-does": "all"}) : null;
    const meant = (other) => other === entity || (all?.checked && text.slice(other.start, other.end) === written);
    const label = make("select", {"aria-label": "Label", "data-does": "label", onchange: (event) => {
      const kind = Number(event.target.value);
      this.edit(entities.map((other) => meant(other) ? {...other, kind, score: 1, edited: true} : other), entity.start);
    }}, ...kinds.map((kind, number) => make("option", {value: number, selected: number === entity.kind}, `${kind.label} ${kind.one}`)));
    const border = (name, title, start, end) => make("button", {title, "aria-label": title,
      "data-does": title, disabled: !this.free(start, end, index),
      onclick: () => this.edit(entities.map((other) => other === entity
        ? {...other, start, end, score: 1, edited: true} : other), start, title)}, name);
    const [before, first, last, after] = this.borders(entity);
    return [make("span", {class: "correct", role: "group", "aria-label": "Correct this name"}, label,
      border("⇤", "Extend to the left", before, entity.end), border("↦", "Cut on the left", first, entity.end),
      border("↤", "Cut on the right", entity.start, last), border("⇥", "Extend to the right", entity.start, after),
      make("button", {"data-does": "remove", onclick: () =>
        this.edit(entities.filter((other) => !meant(other)))}, "Remove"),
      all ? make("label", {class: "choice"}, all, ` all ${same.toLocaleString("en")} like this`) : null)];
  }

  /* Word borders around an entity: the word before it, its own first and last ones, the word after it. */
  borders({start, end}) {
    const {text} = this.answer, word = /[\p{L}\p{N}\p{M}]+|[^\s\p{L}\p{N}\p{M}]/gu;
    const from = Math.max(0, start - 80), near = text.slice(from, end + 80);
    const words = [...near.matchAll(word)].map((found) => [found.index + from, found.index + from + found[0].length]);
    const inside = words.filter(([begin, stop]) => begin >= start && stop <= end);
    const left = words.filter(([, stop]) => stop <= start).pop(), right = words.find(([begin]) => begin >= end);
    return [left ? left[0] : start, inside[1] ? inside[1][0] : end,
      inside.length > 1 ? inside[inside.length - 2][1] : start, right ? right[1] : end];
  }

  free(start, end, index) {
    const {entities} = this.answer, {start: oldStart, end: oldEnd} = entities[index] ?? {start: -1, end: -1};
    if (start >= end || (start === oldStart && end === oldEnd)) return false;
    return entities.every((other, number) => number === index || other.end <= start || other.start >= end);
  }

  /* What is selected with mouse or keys can become a name. */
  offerSelection() {
    const selection = window.getSelection();
    if (!selection.rangeCount || selection.isCollapsed || this.until < this.answer.text.length) return;
    const range = selection.getRangeAt(0);
    if (!this.text.contains(range.commonAncestorContainer)) return;
    const place = (node, offset) => this.placeOf(node, offset);
    let start = place(range.startContainer, range.startOffset), end = place(range.endContainer, range.endOffset);
    const {text, kinds} = this.answer;
    while (start < end && /\s/.test(text[start])) start += 1;
    while (end > start && /\s/.test(text[end - 1])) end -= 1;
    if (!this.free(start, end, -1) || text.slice(start, end).includes("\n\n")) return;
    const make = NerPage.element, written = text.slice(start, end);
    this.close();
    const label = make("select", {"aria-label": "Label"}, ...kinds.map((kind, number) =>
      make("option", {value: number}, `${kind.label} ${kind.one}`)));
    const add = (places) => this.edit([...this.answer.entities, ...places.map((begin) =>
      ({start: begin, end: begin + written.length, kind: Number(label.value), score: 1, edited: true}))]
      .sort((one, other) => one.start - other.start), start);
    const places = this.occurrences(written);
    this.bar.replaceChildren(make("span", {class: "said", role: "status"}, "Add ", make("strong", {dir: "auto"}, written)), label,
      make("button", {"data-does": "add", onclick: () => add([start])}, "Add"),
      places.length > 1 ? make("button", {onclick: () => add(places)}, `Add all ${places.length}`) : "",
      make("button", {onclick: () => this.close()}, "Close"));
    this.bar.hidden = false;
  }

  /* Words chosen with the keys: the next or the last one alone, or, to `extend`, one more or one less. */
  chooseWords(by, extend) {
    const {text} = this.answer, word = /[\p{L}\p{N}\p{M}]+/gu, mark = this.selected?.mentions[this.selected.at];
    const after = (at) => {
      word.lastIndex = at;
      const found = word.exec(text);
      return found && [found.index, word.lastIndex];
    };
    const before = (at) => {
      const from = Math.max(0, at - 200), found = [...text.slice(from, at).matchAll(word)].pop();
      return found && [from + found.index, from + found.index + found[0].length];
    };
    const {start, end} = this.answer.entities[mark] ?? {start: 0, end: 0};
    const [first, last] = this.words ?? (by > 0 ? [end, end] : [start, start]);
    const grown = extend && this.words;
    let next = by > 0 ? after(last) : before(grown ? before(last)[0] : first);
    if (grown) next = next && next[1] > first ? [first, next[1]] : null;
    if (!next) return;
    this.close();
    const [from, to] = next.map((offset) => this.nodeAt(offset));
    window.getSelection().setBaseAndExtent(...from, ...to);
    this.reveal(from[0].parentElement);
    this.offerSelection();
    this.words = next;
  }

  /* The DOM position of an offset in the text. */
  nodeAt(offset) {
    const walk = document.createTreeWalker(this.text, NodeFilter.SHOW_TEXT);
    let left = offset;
    while (walk.nextNode() && left > walk.currentNode.length) left -= walk.currentNode.length;
    return [walk.currentNode, left];
  }

  /* Enter: from the text to what can be done with the name, or the words, at hand. */
  enterBar() {
    (this.bar.querySelector("select") ?? this.bar.querySelector("[data-does]:not(:disabled)"))?.focus();
  }

  occurrences(written) {
    const {text} = this.answer, letter = /[\p{L}\p{N}]/u, found = [];
    for (let at = text.indexOf(written); at >= 0; at = text.indexOf(written, at + written.length)) {
      const whole = !letter.test(text[at - 1] ?? " ") && !letter.test(text[at + written.length] ?? " ");
      if (whole && this.free(at, at + written.length, -1)) found.push(at);
    }
    return found;
  }

  edit(entities, at = null, does = null) {
    this.past.push(this.answer.entities);
    this.future = [];
    this.replace(entities);
    const index = at === null ? -1 : this.answer.entities.findIndex((entity) => entity.start === at);
    if (index >= 0) this.select([index], 0);
    const target = does ? this.bar.querySelector(`[data-does="${does}"]:not(:disabled)`) : null;
    (target ?? this.text).focus({preventScroll: true});
  }

  travel(from, to) {
    if (!from.length) return;
    to.push(this.answer.entities);
    this.replace(from.pop());
    this.text.focus({preventScroll: true});
  }

  /* Draws at once; the server's groups come later, and leave what has the focus where it is. */
  async replace(entities) {
    this.answer = {...this.answer, entities, groups: NerPage.plainGroups(this.answer.text, entities)};
    const top = this.text.scrollTop;
    this.close();
    this.marks.clear();
    this.marks.draw(this.answer, this.answer.text.length, (entity) => this.visible(entity));
    this.text.scrollTop = top;
    this.drawAround();
    this.drawEditing();
    this.changed({edited: true});
    const asked = this.answer, groups = await this.regroup(asked);
    if (groups && this.answer === asked) {
      this.answer.groups = groups;
      this.drawAround();
      if (this.selected && !this.bar.contains(document.activeElement)) this.select([this.selected.mentions[this.selected.at]], 0);
      this.changed();
    }
  }

  close() {
    if (this.words) window.getSelection().removeAllRanges();
    this.words = null;
    super.close();
  }

  drawEditing() {
    const make = NerPage.element;
    this.editing.hidden = !this.past.length && !this.future.length;
    const button = (name, from, to) => make("button", {disabled: !from.length,
      onclick: () => this.travel(from, to)}, name);
    this.editing.replaceChildren(make("span", {}, `${NerPage.count(this.past.length, "correction", "corrections")}.`),
      button("Undo", this.past, this.future), button("Redo", this.future, this.past));
  }

  key(event) {
    const {past, future, selected, answer} = this;
    const command = event.ctrlKey || event.metaKey ? event.key.toLowerCase() : "";
    if (command === "z" || command === "y") {
      event.preventDefault();
      if (event.shiftKey || command === "y") this.travel(future, past);
      else this.travel(past, future);
    } else if (event.key === "Delete" && selected && this.until >= answer.text.length) {
      const entity = answer.entities[selected.mentions[selected.at]];
      this.edit(answer.entities.filter((other) => other !== entity));
    } else if ((event.key === "ArrowRight" || event.key === "ArrowLeft") && (event.shiftKey || this.words)
        && this.until >= answer.text.length) {
      event.preventDefault();
      this.chooseWords(event.key === "ArrowRight" ? 1 : -1, event.shiftKey);
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.enterBar();
    } else super.key(event);
  }
};
