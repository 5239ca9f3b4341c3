/* What comes back after a reload, in this tab of the browser alone. */
"use strict";

NerPage.KEPT = "ner-page";
/* Browsers store five million characters; writing many entities takes longer than a frame. */
NerPage.MOST_KEPT = 2_000_000;
NerPage.MOST_ENTITIES_KEPT = 20_000;

NerPage.keeping = {
  write(state) {
    const store = (kept) => sessionStorage.setItem(NerPage.KEPT, JSON.stringify(kept));
    const entities = (state.answer?.entities.length ?? 0) * (1 + state.past.length + state.future.length);
    const large = state.text.length * 8 > NerPage.MOST_KEPT || entities > NerPage.MOST_ENTITIES_KEPT;
    try {
      store(large ? {...state, answer: null, past: [], future: []} : state);
    } catch { /* storage is full or forbidden: a reload then begins anew */ }
  },

  read() {
    try {
      return JSON.parse(sessionStorage.getItem(NerPage.KEPT));
    } catch {
      return null;
    }
  },
};
