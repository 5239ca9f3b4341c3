/* One answer in the browser: groups of names, legend, the text with its marks, and corrections of them.
   A visitor's text goes into text nodes and values only, never into HTML. Offsets count UTF-16 units here and
   Unicode characters on the server; `fromServer` and `toServer` are the two places that convert them. */
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

/* Milliseconds after which a slider rests; characters in a row of marked text on a wide page. */
NerPage.REST = 80;
NerPage.ROW = 90;

NerPage.count = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

NerPage.offsets = {
  /* Unicode characters to UTF-16 units: identity where the text has no surrogates. */
  fromServer(text, entities) {
    if (!/[\ud800-\udfff]/.test(text)) return entities;
    const places = [];
    let unit = 0;
    for (const character of text) {
      places.push(unit);
      unit += character.length;
    }
    places.push(unit);
    return entities.map((entity) => ({...entity, start: places[entity.start], end: places[entity.end]}));
  },
  toServer(text, entities) {
    if (!/[\ud800-\udfff]/.test(text)) return entities;
    const places = new Map();
    let unit = 0, number = 0;
    for (const character of text) {
      places.set(unit, number++);
      unit += character.length;
    }
    places.set(unit, number);
    return entities.map((entity) => ({...entity, start: places.get(entity.start), end: places.get(entity.end)}));
  },
};

NerPage.Viewer = class {
  /* `regroup(answer)` asks the server for the groups of corrected entities; `changed()` is called whenever
     what is shown, or the answer itself, is another. */
  constructor(root, {regroup = null, changed = () => {}} = {}) {
    const make = NerPage.element;
    this.regroup = regroup;
    this.changed = changed;
    this.answer = null;
    this.hidden = new Set();
    this.least = 0;
    this.selected = null;
    this.past = [];
    this.future = [];
    this.groups = make("div", {class: "groups"});
    this.legend = make("div", {class: "legend", role: "group", "aria-label": "Labels: press to hide or show"});
    this.bar = make("div", {class: "bar", hidden: true});
    this.text = make("div", {
      class: "marked", dir: "auto", tabindex: "0", role: "group",
      "aria-label": "Text with its names marked. Arrow keys go from name to name.",
      "aria-keyshortcuts": "ArrowLeft ArrowRight Escape Delete",
    });
    this.editing = make("div", {class: "buttons editing", hidden: true});
    root.append(make("div", {class: "viewer"}, this.groups, this.legend, this.bar, this.text, this.editing));
    this.text.addEventListener("click", (event) => {
      const mark = event.target.closest("mark");
      if (mark && String(window.getSelection()) === "") this.select([Number(mark.dataset.index)], 0);
    });
    this.text.addEventListener("keydown", (event) => this.key(event));
    this.text.addEventListener("pointerup", () => setTimeout(() => this.offerSelection()));
    this.text.addEventListener("keyup", (event) => event.shiftKey && this.offerSelection());
  }

  show(answer, {hidden = [], least = 0, past = [], future = []} = {}) {
    this.answer = answer;
    const known = new Set(answer.kinds.map((kind) => kind.label));
    this.hidden = new Set([...hidden].filter((label) => known.has(label)));
    this.least = least;
    this.past = past;
    this.future = future;
    this.close();
    this.drawText();
    this.drawAround();
  }

  visible(entity) {
    return entity.score >= this.least && !this.hidden.has(this.answer.kinds[entity.kind].label);
  }

  /* The entities that are shown, in order. */
  shown() {
    return this.answer ? this.answer.entities.filter((entity) => this.visible(entity)) : [];
  }

  /* Marks follow at once, and only those that change; what stands around them when the slider rests. */
  filter({least = this.least, hidden = this.hidden, sliding = false} = {}) {
    const before = this.shownMarks;
    this.least = least;
    this.hidden = new Set(hidden);
    this.shownMarks = this.answer.entities.map((entity) => this.visible(entity));
    this.marks.forEach((mark, index) => {
      if (before[index] !== this.shownMarks[index]) mark.classList.toggle("off", before[index]);
    });
    clearTimeout(this.resting);
    const around = () => {
      if (this.selected) this.close();
      this.drawAround();
      this.changed();
    };
    if (sliding) this.resting = setTimeout(around, NerPage.REST);
    else around();
  }

  /* Lines are blocks, so that the browser lays out only those in view; of the others it guesses the height. */
  drawText() {
    const {text, entities, kinds} = this.answer, make = NerPage.element;
    const lines = document.createDocumentFragment();
    let line = make("div", {class: "line", dir: "auto"}), at = 0, length = 0;
    const done = () => {
      const rows = Math.ceil(length / NerPage.ROW);
      if (rows > 1) line.style.containIntrinsicBlockSize = `auto ${(1.9 * rows).toFixed(1)}em`;
      lines.append(line);
      length = 0;
    };
    const put = (plain) => {
      for (let rest = plain; rest;) {
        const end = rest.indexOf("\n") + 1;
        const part = end ? rest.slice(0, end) : rest;
        line.append(part);
        length += part.length;
        rest = rest.slice(part.length);
        if (end) {
          done();
          line = make("div", {class: "line", dir: "auto"});
        }
      }
    };
    this.marks = entities.map((entity, index) => {
      put(text.slice(at, entity.start));
      const kind = kinds[entity.kind], written = text.slice(entity.start, entity.end);
      const said = `${kind.one}, score ${entity.score.toFixed(3)}${entity.edited ? ", corrected" : ""}`;
      const mark = make("mark", {
        class: `line-${kind.line}${entity.edited ? " edited" : ""}`, style: `--label-color:${kind.color}`,
        "data-index": index, "data-start": entity.start, "data-end": entity.end, "data-label": kind.label,
        "data-said": entity.score.toFixed(3), title: said,
      }, written, make("b", {}, kind.label));
      mark.classList.toggle("off", !this.visible(entity));
      line.append(mark);
      length += written.length + kind.label.length;
      at = entity.end;
      return mark;
    });
    put(text.slice(at));
    done();
    this.shownMarks = entities.map((entity) => this.visible(entity));
    this.text.replaceChildren(lines);
  }

  /* Groups and legend follow the filters; the marks only change their class. */
  drawAround() {
    const {kinds, entities, groups} = this.answer, make = NerPage.element;
    const counts = kinds.map(() => 0);
    for (const entity of entities) if (entity.score >= this.least) counts[entity.kind] += 1;
    const many = kinds.length > 8;
    this.legend.replaceChildren(...kinds.flatMap((kind, index) => {
      if (many && !entities.some((entity) => entity.kind === index)) return [];
      const on = !this.hidden.has(kind.label);
      return [make("button", {
        type: "button", class: `chip line-${kind.line}`, style: `--label-color:${kind.color}`,
        "aria-pressed": String(on), "data-label": kind.label, title: on ? "Shown; press to hide" : "Hidden; press to show",
        onclick: () => {
          const hidden = new Set(this.hidden);
          if (!hidden.delete(kind.label)) hidden.add(kind.label);
          this.filter({hidden});
          this.legend.querySelector(`[data-label="${CSS.escape(kind.label)}"]`)?.focus();
        },
      }, make("span", {class: "label"}, kind.label), ` ${counts[index].toLocaleString("en")}`)];
    }));
    const boxes = kinds.flatMap((kind, number) => {
      const names = groups.filter((group) => group.kind === number)
        .map((group) => ({...group, mentions: group.mentions.filter((index) => this.visible(entities[index]))}))
        .filter((group) => group.mentions.length);
      if (!names.length) return [];
      return [this.groupBox(kind, names)];
    });
    this.groups.replaceChildren(...boxes);
  }

  groupBox(kind, names) {
    const make = NerPage.element, few = 8;
    const item = (group) => make("li", {},
      make("button", {type: "button", class: "name", "aria-pressed": "false",
        "data-first": group.mentions[0], onclick: () => this.select(group.mentions, 0, group.name)},
        make("span", {dir: "auto"}, group.name),
        group.mentions.length > 1 ? make("span", {class: "count"}, ` ${group.mentions.length.toLocaleString("en")}×`) : null),
      group.aliases.length ? make("span", {class: "aliases", dir: "auto"}, group.aliases.join(", ")) : null);
    const list = make("ul", {}, ...names.slice(0, few).map(item));
    const box = make("section", {style: `--label-color:${kind.color}`, "data-label": kind.label},
      make("h3", {}, make("span", {class: `swatch line-${kind.line}`}),
        kind.many[0].toUpperCase() + kind.many.slice(1), make("span", {class: "count"}, ` ${names.length.toLocaleString("en")}`)), list);
    if (names.length > few) {
      box.append(make("button", {type: "button", class: "link", onclick: (event) => {
        list.append(...names.slice(few).map(item));
        event.target.remove();
        list.children[few].querySelector("button").focus();
      }}, `Show all ${names.length.toLocaleString("en")}`));
    }
    return box;
  }

  /* Outline mentions, bring the one at hand into view, and say which it is. */
  select(mentions, at, name = "") {
    this.clearOutlines();
    const group = this.answer.groups.find((one) => one.mentions.includes(mentions[at]));
    const all = (group ? group.mentions : mentions).filter((index) => this.visible(this.answer.entities[index]));
    this.selected = {mentions: all, at: Math.max(0, all.indexOf(mentions[at])), name: name || group?.name || ""};
    for (const index of all) this.marks[index].classList.add("outlined");
    for (const button of this.groups.querySelectorAll(".name")) {
      button.setAttribute("aria-pressed", String(all.includes(Number(button.dataset.first))));
    }
    this.move(0);
  }

  clearOutlines() {
    for (const mark of this.text.querySelectorAll(".outlined, .current")) mark.classList.remove("outlined", "current");
    for (const button of this.groups.querySelectorAll('[aria-pressed="true"]')) button.setAttribute("aria-pressed", "false");
  }

  close() {
    this.clearOutlines();
    this.selected = null;
    this.bar.hidden = true;
    this.bar.replaceChildren();
    this.drawEditing();
  }

  move(step) {
    const {mentions, name} = this.selected, count = mentions.length;
    const at = this.selected.at = (this.selected.at + step + count) % count;
    for (const mark of this.text.querySelectorAll(".current")) mark.classList.remove("current");
    const mark = this.marks[mentions[at]];
    mark.classList.add("current");
    this.reveal(mark);
    this.drawBar(name, at, count);
  }

  /* Scroll the text box, and the window only where the box itself is out of view. */
  reveal(mark) {
    const box = this.text.getBoundingClientRect(), place = mark.getBoundingClientRect();
    if (place.top < box.top || place.bottom > box.bottom) {
      this.text.scrollTop += place.top - box.top - this.text.clientHeight / 3;
    }
    const after = mark.getBoundingClientRect();
    if (after.top < 0 || after.bottom > window.innerHeight) {
      const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      mark.scrollIntoView({block: "center", behavior: still ? "auto" : "smooth"});
    }
  }

  drawBar(name, at, count) {
    const make = NerPage.element, index = this.selected.mentions[at];
    const entity = this.answer.entities[index], kind = this.answer.kinds[entity.kind];
    const button = (text, action, more = {}) => make("button", {type: "button", onclick: action, ...more}, text);
    const said = make("span", {class: "said", role: "status"},
      make("strong", {dir: "auto"}, name || this.answer.text.slice(entity.start, entity.end)),
      ` ${kind.one}, score ${entity.score.toFixed(3)}, ${at + 1} of ${count}`);
    const again = (action) => () => { action(); this.bar.querySelector(`[data-does="${this.lastDone}"]`)?.focus(); };
    const step = (text, by, does) => button(text, again(() => { this.lastDone = does; this.move(by); }),
      {"data-does": does, disabled: count < 2});
    const parts = [said, step("Previous", -1, "previous"), step("Next", 1, "next"),
      button("Close", () => { this.close(); this.text.focus(); }, {"data-does": "close"})];
    if (this.regroup) parts.push(this.correction(entity, index, count));
    this.bar.replaceChildren(...parts);
    this.bar.hidden = false;
  }

  /* Corrections: another label, other borders, away with it; of this mention or of all that read the same. */
  correction(entity, index, count) {
    const make = NerPage.element, {text, entities, kinds} = this.answer;
    const written = text.slice(entity.start, entity.end);
    const same = entities.filter((other) => text.slice(other.start, other.end) === written).length;
    const all = same > 1 ? make("input", {type: "checkbox", "data-does": "all"}) : null;
    const meant = (other) => other === entity || (all?.checked && text.slice(other.start, other.end) === written);
    const label = make("select", {"aria-label": "Label", "data-does": "label", onchange: (event) => {
      const kind = Number(event.target.value);
      this.edit(entities.map((other) => meant(other) ? {...other, kind, score: 1, edited: true} : other), entity.start);
    }}, ...kinds.map((kind, number) => make("option", {value: number, selected: number === entity.kind}, `${kind.label} ${kind.one}`)));
    const border = (name, title, start, end) => make("button", {type: "button", title, "aria-label": title,
      "data-does": title, disabled: !this.free(start, end, index),
      onclick: () => this.edit(entities.map((other) => other === entity
        ? {...other, start, end, score: 1, edited: true} : other), start, title)}, name);
    const [before, first, last, after] = this.borders(entity);
    return make("span", {class: "correct", role: "group", "aria-label": "Correct this name"}, label,
      border("⇤", "Extend to the left", before, entity.end), border("↦", "Cut on the left", first, entity.end),
      border("↤", "Cut on the right", entity.start, last), border("⇥", "Extend to the right", entity.start, after),
      make("button", {type: "button", "data-does": "remove", onclick: () =>
        this.edit(entities.filter((other) => !meant(other)))}, "Remove"),
      all ? make("label", {class: "choice"}, all, ` all ${same} like this`) : null);
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
    if (!this.regroup || !selection.rangeCount || selection.isCollapsed) return;
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
      make("button", {type: "button", "data-does": "add", onclick: () => add([start])}, "Add"),
      places.length > 1 ? make("button", {type: "button", onclick: () => add(places)}, `Add all ${places.length}`) : "",
      make("button", {type: "button", onclick: () => this.close()}, "Close"));
    this.bar.hidden = false;
  }

  occurrences(written) {
    const {text} = this.answer, letter = /[\p{L}\p{N}]/u, found = [];
    for (let at = text.indexOf(written); at >= 0; at = text.indexOf(written, at + written.length)) {
      const whole = !letter.test(text[at - 1] ?? " ") && !letter.test(text[at + written.length] ?? " ");
      if (whole && this.free(at, at + written.length, -1)) found.push(at);
    }
    return found;
  }

  /* Offset in the text of a place in the drawn text: labels do not count. */
  placeOf(node, offset) {
    const range = document.createRange();
    range.setStart(this.text, 0);
    range.setEnd(node, offset);
    const part = range.cloneContents();
    for (const label of part.querySelectorAll("mark > b")) label.remove();
    return part.textContent.length;
  }

  async edit(entities, at = null, does = null) {
    this.past.push(this.answer.entities);
    this.future = [];
    await this.replace(entities);
    const index = at === null ? -1 : this.answer.entities.findIndex((entity) => entity.start === at);
    if (index >= 0) this.select([index], 0);
    const target = does ? this.bar.querySelector(`[data-does="${does}"]:not(:disabled)`) : null;
    (target ?? this.text).focus({preventScroll: true});
  }

  async travel(from, to) {
    if (!from.length) return;
    to.push(this.answer.entities);
    await this.replace(from.pop());
    this.text.focus({preventScroll: true});
  }

  async replace(entities) {
    this.answer = {...this.answer, entities, groups: NerPage.plainGroups(this.answer.text, entities)};
    const top = this.text.scrollTop;
    this.close();
    this.drawText();
    this.text.scrollTop = top;
    this.drawAround();
    this.changed();
    const asked = this.answer, groups = await this.regroup(asked);
    if (groups && this.answer === asked) {
      this.answer.groups = groups;
      if (!this.selected) this.drawAround();
      this.changed();
    }
  }

  drawEditing() {
    const make = NerPage.element;
    this.editing.hidden = !this.past.length && !this.future.length;
    const button = (name, from, to) => make("button", {type: "button", disabled: !from.length,
      onclick: () => this.travel(from, to)}, name);
    this.editing.replaceChildren(make("span", {}, `${NerPage.count(this.past.length, "correction", "corrections")}.`),
      button("Undo", this.past, this.future), button("Redo", this.future, this.past));
  }

  key(event) {
    const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    if (undo) {
      event.preventDefault();
      if (event.shiftKey) this.travel(this.future, this.past);
      else this.travel(this.past, this.future);
    } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      if (event.shiftKey) return;
      event.preventDefault();
      this.step(event.key === "ArrowRight" ? 1 : -1);
    } else if (event.key === "Escape") {
      this.close();
    } else if (event.key === "Delete" && this.selected && this.regroup) {
      const entity = this.answer.entities[this.selected.mentions[this.selected.at]];
      this.edit(this.answer.entities.filter((other) => other !== entity));
    }
  }

  /* From name to name in the order of the text. */
  step(by) {
    const open = this.answer.entities.map((_, index) => index).filter((index) => this.visible(this.answer.entities[index]));
    if (!open.length) return;
    const now = this.selected ? this.selected.mentions[this.selected.at] : null;
    const at = now === null ? (by > 0 ? 0 : open.length - 1) : (open.indexOf(now) + by + open.length) % open.length;
    this.select([open[at]], 0);
  }
};

/* Groups by equal text and label: shown until the server's answer comes, and where it does not come. */
NerPage.plainGroups = (text, entities) => {
  const found = new Map();
  entities.forEach((entity, index) => {
    const name = text.slice(entity.start, entity.end).split(/\s+/).join(" "), key = `${entity.kind} ${name}`;
    if (!found.has(key)) found.set(key, {kind: entity.kind, name, aliases: [], mentions: []});
    found.get(key).mentions.push(index);
  });
  return [...found.values()];
};
