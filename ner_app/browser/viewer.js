/* One answer in the browser: groups of names, legend, and the text with its marks.
   A visitor's text goes into text nodes and values only, never into HTML. */
"use strict";

/* Milliseconds after which a slider rests. */
NerPage.REST = 80;

/* The names of one label; of many the first few, until its label is among the `unfolded`: "Show all" adds it and calls
   `redraw()`. */
NerPage.groupBox = (kind, names, item, {unfolded, redraw, count = names.length}) => {
  const make = NerPage.element, all = unfolded.has(kind.label) || names.length <= NerPage.FEW;
  const unfold = (event) => {
    const groups = event.target.closest(".groups");
    unfolded.add(kind.label);
    redraw();
    groups.querySelectorAll(`[data-label="${CSS.escape(kind.label)}"] .name`)[NerPage.FEW].focus();
  };
  return make("section", {style: `--label-color:${kind.color}`, "data-label": kind.label},
    make("h3", {}, kind.many[0].toUpperCase() + kind.many.slice(1), make("span", {class: "count"}, ` ${count.toLocaleString("en")}`)),
    make("ul", {}, ...(all ? names : names.slice(0, NerPage.FEW)).map(item)),
    all ? null : make("button", {class: "link", onclick: unfold}, `Show all ${names.length.toLocaleString("en")}`));
};

NerPage.Viewer = class {
  /* `changed({edited})` is called whenever what is shown, or by an edit the answer itself, changes. */
  constructor(root, {changed = () => {}} = {}) {
    const make = NerPage.element;
    this.changed = changed;
    this.answer = null;
    this.hidden = new Set();
    this.least = 0;
    this.selected = null;
    this.unfolded = new Set();
    this.groups = make("div", {class: "groups"});
    this.legend = make("div", {class: "legend", role: "group", "aria-label": "Labels: press to hide or show"});
    this.bar = make("div", {class: "bar", hidden: true});
    this.text = make("div", {
      class: "marked", dir: "auto", tabindex: "0", role: "group",
      "aria-label": "Text with its names marked. Arrow keys go from name to name.",
      "aria-keyshortcuts": "ArrowLeft ArrowRight Escape",
    });
    this.marks = new NerPage.Marks(this.text);
    this.root = make("div", {class: "viewer"}, this.groups, this.legend, this.bar, this.text);
    root.append(this.root);
    this.text.addEventListener("click", (event) => {
      const mark = event.target.closest("mark");
      if (mark && String(window.getSelection()) === "") this.select([Number(mark.dataset.index)], 0);
    });
    this.text.addEventListener("keydown", (event) => this.key(event));
    this.bar.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      this.close();
      this.text.focus({preventScroll: true});
    });
    this.text.addEventListener("copy", (event) => this.copy(event));
    this.groups.addEventListener("click", (event) => {
      const {first, name} = event.target.closest(".name")?.dataset ?? {};
      if (first) this.select([Number(first)], 0, name);
    });
    this.legend.addEventListener("click", (event) => this.toggle(event.target.closest("button")));
  }

  /* `until` is where the text ends that was read so far. Of an answer that `grows`, what is drawn stays. */
  show(answer, {hidden = this.hidden, least = this.least, until = answer.text.length, grows = false} = {}) {
    const known = new Set(answer.kinds.map((kind) => kind.label));
    this.answer = answer;
    this.until = until;
    this.hidden = new Set([...hidden].filter((label) => known.has(label)));
    this.least = least;
    if (!grows) {
      this.unfolded.clear();
      this.close();
      this.marks.clear();
    }
    this.marks.draw(answer, until, (entity) => this.visible(entity));
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
    this.least = least;
    this.hidden = new Set(hidden);
    const out = this.answer.kinds.map((kind) => this.hidden.has(kind.label));
    this.marks.filter((entity) => entity.score >= least && !out[entity.kind]);
    clearTimeout(this.resting);
    const around = () => {
      if (this.selected) this.close();
      this.drawAround();
      this.changed();
    };
    if (sliding) this.resting = setTimeout(around, NerPage.REST);
    else around();
  }

  toggle(chip) {
    if (!chip) return;
    const hidden = new Set(this.hidden), {label} = chip.dataset;
    if (!hidden.delete(label)) hidden.add(label);
    this.filter({hidden});
  }

  /* Groups and legend, as the filters have them. */
  drawAround() {
    const {kinds, entities, groups} = this.answer, make = NerPage.element;
    const shown = entities.map((entity) => this.visible(entity));
    const counts = kinds.map(() => 0);
    for (const entity of entities) if (entity.score >= this.least) counts[entity.kind] += 1;
    const many = kinds.length > 8;
    const chips = new Map([...this.legend.children].map((chip) => [chip.dataset.label, chip]));
    this.fill(this.legend, kinds.flatMap((kind, index) => {
      if (many && !entities.some((entity) => entity.kind === index)) return [];
      const on = !this.hidden.has(kind.label);
      const chip = chips.get(kind.label) ?? make("button", {"data-label": kind.label}, make("span", {class: "label"}, kind.label), "");
      chip.className = `chip line-${kind.line}`;
      chip.style.setProperty("--label-color", kind.color);
      chip.setAttribute("aria-pressed", String(on));
      chip.title = on ? "Shown; press to hide" : "Hidden; press to show";
      chip.lastChild.data = ` ${counts[index].toLocaleString("en")}`;
      return [chip];
    }));
    const names = kinds.map(() => []);
    for (const group of groups) {
      const mentions = group.mentions.filter((index) => shown[index]);
      if (mentions.length) names[group.kind].push({...group, mentions});
    }
    const before = [...this.groups.children];
    this.fill(this.groups, kinds.flatMap((kind, number) => {
      if (!names[number].length) return [];
      const box = this.groupBox(kind, names[number]);
      return [before.find((other) => other.isEqualNode(box)) ?? box];
    }));
  }

  /* What stays is not touched: it keeps the focus, and is not laid out anew. */
  fill(place, children) {
    for (const child of [...place.children]) if (!children.includes(child)) child.remove();
    children.forEach((child, index) => {
      if (place.children[index] !== child) place.insertBefore(child, place.children[index] ?? null);
    });
  }

  groupBox(kind, names) {
    const make = NerPage.element;
    const chosen = new Set(this.selected?.mentions);
    const item = (group) => make("li", {},
      make("button", {class: "name", "aria-pressed": String(chosen.has(group.mentions[0])),
        "data-first": group.mentions[0], "data-name": group.name},
        make("span", {dir: "auto"}, group.name),
        group.mentions.length > 1 ? make("span", {class: "count"}, ` ${group.mentions.length.toLocaleString("en")}×`) : null),
      group.aliases.length ? make("span", {class: "aliases", dir: "auto"}, group.aliases.join(", ")) : null);
    return NerPage.groupBox(kind, names, item, {unfolded: this.unfolded, redraw: () => this.drawAround()});
  }

  /* Outline mentions, bring the one at hand into view, and say which it is. */
  select(mentions, at, name = "") {
    this.clearOutlines();
    const group = this.answer.groups.find((one) => one.mentions.includes(mentions[at]));
    const all = (group ? group.mentions : mentions).filter((index) => this.visible(this.answer.entities[index]));
    if (!all.length) return this.close(); // its label is hidden
    this.selected = {mentions: all, at: Math.max(0, all.indexOf(mentions[at])), name: name || group?.name || ""};
    for (const index of all) this.marks.all[index].classList.add("outlined");
    for (const button of this.groups.querySelectorAll(".name")) {
      button.setAttribute("aria-pressed", String(all.includes(Number(button.dataset.first))));
    }
    return this.move(0);
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
  }

  move(step) {
    const {mentions, name} = this.selected, count = mentions.length;
    const at = this.selected.at = (this.selected.at + step + count) % count;
    for (const mark of this.text.querySelectorAll(".current")) mark.classList.remove("current");
    const mark = this.marks.all[mentions[at]];
    this.marks.tell(mark);
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
    if (after.top < 0 || after.bottom > window.innerHeight) NerPage.scrollTo(mark, "center");
  }

  drawBar(name, at, count) {
    const make = NerPage.element, index = this.selected.mentions[at];
    const entity = this.answer.entities[index], kind = this.answer.kinds[entity.kind];
    const button = (text, action, more = {}) => make("button", {onclick: action, ...more}, text);
    const said = make("span", {class: "said", role: "status"},
      make("strong", {dir: "auto"}, name || this.answer.text.slice(entity.start, entity.end)),
      ` ${kind.one}, ${entity.edited ? "corrected" : `score ${entity.score.toFixed(3)}`}${count > 1 ? `, ${at + 1} of ${count}` : ""}`);
    const again = (action) => () => { action(); this.bar.querySelector(`[data-does="${this.lastDone}"]`)?.focus({preventScroll: true}); };
    const step = (text, by, does) => button(text, again(() => { this.lastDone = does; this.move(by); }), {"data-does": does});
    const steps = count > 1 ? [step("Previous", -1, "previous"), step("Next", 1, "next")] : [];
    const close = button("Close", () => { this.close(); this.text.focus(); }, {"data-does": "close"});
    this.bar.replaceChildren(said, ...steps, close, ...this.more(entity, index));
    this.bar.hidden = false;
  }

  /* What else the bar has for a name: see `NerPage.Editor`. */
  more() {
    return [];
  }

  /* Offset in the text of a place in the drawn text. */
  placeOf(node, offset) {
    const range = document.createRange();
    range.setStart(this.text, 0);
    range.setEnd(node, offset);
    return range.toString().length;
  }

  /* What is copied is the text as it was given, whatever lines it is drawn in. */
  copy(event) {
    const range = window.getSelection().rangeCount ? window.getSelection().getRangeAt(0) : null;
    if (!range || range.collapsed || !this.text.contains(range.commonAncestorContainer)) return;
    const start = this.placeOf(range.startContainer, range.startOffset), end = this.placeOf(range.endContainer, range.endOffset);
    event.clipboardData.setData("text/plain", this.answer.text.slice(start, end));
    event.preventDefault();
  }

  key(event) {
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      if (event.shiftKey) return;
      event.preventDefault();
      this.step(event.key === "ArrowRight" ? 1 : -1);
    } else if (event.key === "Escape") {
      this.close();
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
