/* An answer as the browser has it. Offsets count UTF-16 units here and Unicode characters on the server;
   `fromServer` and `toServer` are the two places that convert them. */
"use strict";

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
  /* How many UTF-16 units the first characters of a text are. */
  length(text, characters) {
    return this.fromServer(text, [{start: 0, end: characters}])[0].end;
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

/* What the server answers about a text, with offsets as the browser counts them. */
NerPage.answerOf = (text, found) => {
  const read = (entities = []) => NerPage.offsets.fromServer(text, entities.map(([start, end, kind, score]) => ({start, end, kind, score})));
  return {...found, text, entities: read(found.entities), unlikely: read(found.unlikely)};
};

NerPage.forServer = (answer, entities = answer.entities) => ({
  text: answer.text,
  labels: answer.kinds.map((kind) => kind.label),
  entities: NerPage.written(answer.text, entities),
  about: answer.about,
});

NerPage.written = (text, entities = []) =>
  NerPage.offsets.toServer(text, entities).map(({start, end, kind, score}) => [start, end, kind, score]);

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
