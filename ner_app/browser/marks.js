/* The text with its marks. Rows stand in blocks, so that the browser lays out only the blocks in view; of the others
   it guesses the height. A block is some lines, or a part of a line that is very long. A mark is one element with
   one text node: its label is drawn by the style sheet, and its tooltip is written when it is pointed at. */
"use strict";

/* Characters in a row of marked text on a wide page, rows in a block, blocks that are laid out eagerly; names of a
   label that are shown before one asks for all. */
NerPage.ROW = 90;
NerPage.BLOCK = 24;
NerPage.AT_ONCE = 4;
NerPage.FEW = 8;
NerPage.viewers = 0;

NerPage.Marks = class {
  constructor(place) {
    this.place = place;
    this.place.id = `marked-${NerPage.viewers += 1}`;
    this.colors = NerPage.element("style");
    this.place.addEventListener("pointerover", (event) => {
      const mark = event.target.closest("mark");
      if (mark) this.tell(mark);
    });
    this.clear();
  }

  clear() {
    this.all = [];
    this.shown = [];
    this.at = 0;
    this.block = null;
    this.line = null;
    this.blocksDrawn = 0;
    this.place.replaceChildren();
  }

  /* Go on drawing where the last call ended. */
  draw(answer, until, visible) {
    const {text, entities, kinds} = this.answer = answer;
    const rules = kinds.map((kind, number) => `#${this.place.id} .k${number}{--label-color:${kind.color}}`).join("");
    if (this.colors.textContent !== rules) this.colors.textContent = rules;
    if (!this.colors.isConnected) this.place.before(this.colors);
    this.blocks = document.createDocumentFragment();
    for (let index = this.all.length; index < entities.length; index += 1) {
      const entity = entities[index], kind = kinds[entity.kind];
      this.write(text, entity.start);
      const mark = document.createElement("mark"), shown = visible(entity);
      mark.className = `k${entity.kind} line-${kind.line}${entity.edited ? " edited" : ""}${shown ? "" : " off"}`;
      Object.assign(mark.dataset, {index, start: entity.start, end: entity.end, label: kind.label});
      mark.textContent = text.slice(entity.start, entity.end);
      this.put(text, mark, entity.end - entity.start + kind.label.length);
      this.all.push(mark);
      this.shown.push(shown);
      this.at = entity.end;
    }
    this.write(text, until);
    this.measure();
    this.place.append(this.blocks);
  }

  /* What is between the names, line by line. */
  write(text, until) {
    while (this.at < until) {
      const end = text.indexOf("\n", this.at) + 1, stop = end && end <= until ? end : until;
      const part = text.slice(this.at, stop);
      this.open(text);
      const cut = this.line.long ? this.cut(part) : part.length;
      this.put(text, part.slice(0, cut), cut);
      this.at += cut;
      if (cut < part.length) this.close();
      else if (stop === end) this.endLine();
    }
  }

  /* How much of a very long line still goes into the block at hand: up to the end of a sentence, else of a word. */
  cut(part) {
    const full = NerPage.ROW * NerPage.BLOCK, has = this.block?.length ?? 0;
    const behind = (pattern, least) => {
      pattern.lastIndex = Math.max(0, least - has);
      return pattern.exec(part) ? pattern.lastIndex : part.length;
    };
    return Math.min(behind(/[.!?]\s+(?=\p{Lu})|[。！？]/gu, full), behind(/\s+/g, 2 * full));
  }

  open(text) {
    if (!this.line) {
      const end = text.indexOf("\n", this.at), whole = (end < 0 ? text.length : end) - this.at;
      const long = whole > 2 * NerPage.ROW * NerPage.BLOCK;
      this.line = {place: NerPage.element("div", {class: "line", dir: "auto"}), length: 0, long};
      if (long) {
        this.close();
        this.blocks.append(this.line.place);
      } else {
        if (this.block?.rows >= NerPage.BLOCK) this.close();
        this.openBlock(this.blocks).place.append(this.line.place);
      }
    }
  }

  put(text, part, length) {
    this.open(text);
    (this.line.long ? this.openBlock(this.line.place) : this.line).place.append(part);
    this.line.length += length;
    this.block.length += length;
  }

  openBlock(place) {
    if (!this.block) {
      this.block = {place: NerPage.element("div", {class: "block"}), rows: 0, length: 0};
      place.append(this.block.place);
      this.blocksDrawn += 1;
      this.place.classList.toggle("long", this.blocksDrawn > NerPage.AT_ONCE);
    }
    return this.block;
  }

  endLine() {
    if (this.line.long) this.close();
    else this.block.rows += Math.max(1, Math.ceil(this.line.length / NerPage.ROW));
    this.line = null;
  }

  close() {
    this.measure();
    this.block = null;
  }

  /* Blocks that are not laid out yet are about as high as their characters. */
  measure() {
    if (!this.block) return;
    const rows = Math.max(this.block.rows, Math.ceil(this.block.length / NerPage.ROW));
    this.block.place.style.containIntrinsicBlockSize = `auto ${(1.9 * rows).toFixed(1)}em`;
  }

  filter(visible) {
    this.answer.entities.forEach((entity, index) => {
      const shown = visible(entity);
      if (shown === this.shown[index]) return;
      this.shown[index] = shown;
      this.all[index].classList.toggle("off", !shown);
    });
  }

  /* Kind and score of a mark, for pointer and keys. */
  tell(mark) {
    const {entities, kinds} = this.answer;
    const entity = entities[mark.dataset.index];
    mark.dataset.said = entity.edited ? "corrected" : entity.score.toFixed(3);
    mark.title = `${kinds[entity.kind].one}, ${entity.edited ? "corrected" : `score ${entity.score.toFixed(3)}`}`;
  }
};
