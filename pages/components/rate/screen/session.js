// One rater at work: which item is up, what a key does, what the server said. The next item is drawn in the same turn
// as the key; the vote travels afterwards.

const ENOUGH = 10;
const RENEW_MS = 60000;
const ASK_AGAIN_MS = 10000;
const SCROLL_KEYS = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };

class RatingSession {
  constructor(root, base) {
    this.base = base;
    this.screen = new Screen(root);
    this.root = root;
    this.tasks = [];
    this.history = [];
    this.answered = new Set();
    this.before = new Map();
    this.server = { done: 0, left: 0 };
    this.pace = [];
    this.outbox = new Outbox(base, {
      held: () => this.tasks.map((task) => task.id),
      onVotes: (reply) => this.onVotes(reply),
      onUndo: (reply, op) => this.onUndo(reply, op),
      onTrouble: (failures) => this.onTrouble(failures),
      onDropped: (problem, ops) => this.onDropped(problem, ops),
      onEnd: (problem) => this.onEnd(problem),
    });
  }

  start() {
    const listen = (place, name, act, options) => {
      place.addEventListener(name, act, options);
      this.undoListening.push(() => place.removeEventListener(name, act, options));
    };
    this.undoListening = [];
    listen(window, "keydown", (event) => this.onKey(event), { capture: true });
    listen(this.root, "click", (event) => this.onClick(event));
    listen(this.root, "change", (event) => event.target.name === "rater" && this.rename(event.target.value));
    listen(document, "visibilitychange", () => this.onVisibility());
    listen(window, "pagehide", () => this.outbox.keep(true));
    listen(window, "pageshow", (event) => event.persisted && this.outbox.keep());
    this.renewing = setInterval(() => this.refill(), RENEW_MS);
    this.beating = setInterval(() => this.outbox.ops.length && this.outbox.keep(), ASK_AGAIN_MS / 2);
    if ("BroadcastChannel" in window) {
      this.tabs = new BroadcastChannel("bakeoff-rate");
      this.tabs.onmessage = (message) => this.onOtherTab(message.data);
    }
    this.load();
  }

  stop() {
    this.stopped = true;
    for (const undo of this.undoListening) undo();
    clearInterval(this.renewing);
    clearInterval(this.beating);
    clearTimeout(this.again);
    this.tabs?.close();
    this.outbox.stopped = true;
    this.outbox.keep(true);
  }

  async load(failures = 0) {
    try {
      const state = await ask(this.base, "/state");
      if (!this.stopped) this.open(state);
    } catch (problem) {
      if (problem instanceof Refusal && ENDS.has(problem.status)) this.onEnd(problem);
      else {
        this.screen.showState("No connection", "Trying again. What you rated is safe.");
        this.again = setTimeout(() => this.load(failures + 1), WAITS_MS[Math.min(failures, WAITS_MS.length - 1)]);
      }
    }
  }

  open(state) {
    this.session = state.session;
    this.rater = state.rater;
    this.screen.prepare(state.session, state.rater.ask_name && !state.rater.name);
    this.outbox.open(state.rater.key);
    for (const op of this.outbox.ops) if (op.kind === "vote") this.answered.add(op.task);
    if (state.last && !this.outbox.concerns(state.last.id)) this.history.push({ task: state.last });
    this.take(state);
    this.screen.toggleGuide(state.rater.done === 0 && this.tasks.length > 0);
    this.outbox.pump();
    this.show();
  }

  /** New counts and new items from any reply. */
  take(reply) {
    const counts = reply.rater ?? reply;
    this.server = { done: counts.done, left: counts.left };
    const known = new Set(this.tasks.map((task) => task.id));
    for (const task of reply.tasks ?? []) {
      if (!known.has(task.id) && !this.answered.has(task.id)) this.tasks.push(task);
    }
  }

  /** Draw the first open item unless it is up already, or say why there is none. */
  show() {
    const task = this.tasks[0];
    this.count();
    if (!task) {
      this.shown = null;
      this.showNothing();
      return;
    }
    if (this.shown !== task.id) {
      this.shown = task.id;
      this.screen.draw(task, this.before.get(task.id));
      this.screen.showWork();
      this.shownAt = performance.now();
      this.hiddenMs = 0;
      setTimeout(() => this.screen.warm(this.tasks.slice(1)));
    }
  }

  showNothing() {
    clearTimeout(this.again);
    const { left } = this.progress();
    if (this.outbox.ops.length) this.screen.showState("Saving…", "Your last answers are on their way.");
    else if (this.session.closed) this.end("This session is closed", "Thank you. Nothing more is needed from you.");
    else if (left > 0) {
      this.screen.showState("One moment", "The remaining items are with other raters; some may come back to you.");
      this.again = setTimeout(() => this.refill(), ASK_AGAIN_MS);
    } else this.screen.showState("All done", "Thank you. Every answer is saved; you can close this page.");
  }

  progress() {
    let { done, left } = this.server;
    for (const op of this.outbox.ops) {
      const step = op.kind === "undo" ? -1 : 1;
      left -= step;
      if (op.kind === "undo" || op.action === "vote") done += step;
    }
    return { done: Math.max(0, done), left: Math.max(this.tasks.length, left) };
  }

  count() {
    const { done, left } = this.progress();
    const recent = this.pace.slice(-10).sort((a, b) => a - b);
    const typical = recent.length > 4 ? recent[Math.floor(recent.length / 2)] / 1000 : this.session.seconds_per_item;
    const minutes = (left * typical) / 60;
    const words = minutes < 1 ? "less than a minute left" : `about ${Math.round(minutes)} min left`;
    this.screen.counts({ done, left, minutes: words, atItem: this.tasks.length > 0 });
    this.screen.saved(this.outbox.ops.length, this.outbox.failures);
    const undo = this.root.querySelector("[data-do=undo]");
    undo.disabled = !this.history.length;
  }

  /** Answer the item that is up: keep it, draw the next, send it. */
  answer(action, choice, at) {
    const task = this.tasks[0];
    if (!task || this.shown !== task.id) return;
    const ms = Math.max(0, Math.round(at - this.shownAt - this.hiddenMs));
    const op = { kind: "vote", task: task.id, choice, action, ms, reasons: this.screen.reasons() };
    op.comment = this.screen.comment();
    this.tasks.shift();
    this.answered.add(task.id);
    this.before.delete(task.id);
    this.history.push({ task, op });
    if (action === "vote") this.pace.push(ms);
    this.outbox.add(op);
    this.screen.toggleGuide(false);
    this.screen.notice(action === "report" ? "Reported: this item will not count as blind." : "");
    this.tabs?.postMessage({ key: this.rater.key, answered: task.id });
    this.show();
  }

  /** The last answered item comes back, with what was answered on it. */
  undo() {
    const last = this.history.pop();
    if (!last) return;
    const { task, op } = last;
    this.answered.delete(task.id);
    if (op) this.before.set(task.id, op);
    this.tasks = [task, ...this.tasks.filter((other) => other.id !== task.id)];
    if (!this.outbox.withdraw(task.id)) this.outbox.add({ kind: "undo", task: task.id });
    this.tabs?.postMessage({ key: this.rater.key, undone: task.id });
    this.show();
  }

  onVotes(reply) {
    const gone = new Set((reply.gone ?? []).filter((id) => !this.outbox.concerns(id)));
    this.tasks = this.tasks.filter((task) => !gone.has(task.id));
    this.refuse(reply.refused);
    this.take(reply);
    this.show();
    const short = this.tasks.length < ENOUGH && this.progress().left > this.tasks.length;
    if (short && (reply.tasks ?? []).length && !this.outbox.ops.length) this.refill();
  }

  /** What the server did not take is said once; it is not in the history any more, so an undo cannot reach for it. */
  refuse(refused) {
    if (!refused.length) return;
    this.screen.notice(refused.length === 1 ? refused[0].message : `${refused.length} answers came too late to count.`);
    if (refused.some((one) => one.code === "session_closed")) this.session.closed = true;
  }

  onUndo(reply, op) {
    this.server = { done: reply.done, left: reply.left };
    if (!reply.task) this.tasks = this.tasks.filter((task) => task.id !== op.task);
    if (reply.last && !this.history.length && !this.outbox.concerns(reply.last.id)) {
      this.history.push({ task: reply.last });
    }
    this.show();
  }

  onTrouble(failures) {
    this.screen.saved(this.outbox.ops.length, failures);
    if (failures === 0) this.count();
  }

  onDropped(problem, ops) {
    this.screen.notice(`${problem.message} ${problem.hint}`.trim());
    for (const op of ops) this.history = this.history.filter((one) => one.task.id !== op.task);
    this.show();
  }

  onEnd(problem) {
    if (problem.code === "session_closed") {
      this.end("This session is closed", "Thank you. Nothing more is needed from you.");
    } else if (problem.code === "link_needed") {
      this.end("Open your link again", `${problem.message} ${problem.hint}`.trim());
    } else this.end(problem.message, problem.hint);
  }

  end(title, text) {
    this.ended = true;
    this.tasks = [];
    this.screen.find(".tools").hidden = true;
    this.screen.showState(title, text);
  }

  refill() {
    if (this.session && !this.ended && !document.hidden) this.outbox.askForMore();
  }

  onOtherTab(told) {
    if (!this.rater || told.key !== this.rater.key) return;
    if (told.undone) this.answered.delete(told.undone);
    if (!told.answered) return;
    const wasUp = this.tasks[0]?.id === told.answered;
    this.answered.add(told.answered);
    this.tasks = this.tasks.filter((task) => task.id !== told.answered);
    if (wasUp) this.screen.notice("That item was rated in another tab.");
    this.show();
    this.refill();
  }

  onVisibility() {
    if (document.hidden) this.hiddenSince = performance.now();
    else {
      if (this.hiddenSince !== undefined) this.hiddenMs += performance.now() - this.hiddenSince;
      this.hiddenSince = undefined;
      this.refill();
    }
  }

  onClick(event) {
    const button = event.target.closest("button");
    if (!button || !this.session) return;
    if (button.dataset.choice !== undefined) this.answer("vote", button.dataset.choice, event.timeStamp);
    else if (button.dataset.reason !== undefined) {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    } else if (button.dataset.do) this.act(button.dataset.do, event.timeStamp);
    if (button.dataset.do !== "comment") button.blur();
  }

  async rename(name) {
    try {
      await ask(this.base, "/name", { name: name.trim().slice(0, 80) }, this.rater.key);
      this.screen.notice("Your name is saved.");
    } catch (problem) {
      this.screen.notice(problem instanceof Refusal ? problem.message : "No connection: your name is not saved yet.");
    }
  }

  act(what, at) {
    if (what === "undo") this.undo();
    else if (what === "help") this.screen.toggleGuide();
    else if (what === "skip") this.answer("skip", null, at);
    else if (what === "report") this.answer("report", null, at);
    else if (what === "written" && this.tasks[0]) this.screen.toggleWritten(this.tasks[0]);
    else if (what === "comment") this.screen.openComment();
  }

  /** One key, one thing. Keys held down, with a modifier, or typed into the comment do nothing here. */
  onKey(event) {
    if (!this.session || this.ended) return;
    const typing = event.composedPath()[0]?.matches?.("textarea, input");
    if (typing) {
      event.stopPropagation();
      const leaves = event.key === "Escape" || (event.key === "Enter" && event.composedPath()[0].matches("input"));
      if (leaves) event.composedPath()[0].blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key in SCROLL_KEYS) this.screen.scroll(SCROLL_KEYS[key] * SCROLL_STEP);
    else if (!this.pressed(key, event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  pressed(key, event) {
    const choice = this.session.choices.find((one) => one.key.toLowerCase() === key);
    const deeds = { s: "skip", h: "help", w: "report", t: "written", c: "comment", Backspace: "undo" };
    if (!choice && !(key in deeds) && key !== "Escape") return false;
    if (event.repeat) return true;
    if (key === "Escape") this.screen.toggleGuide(false);
    else if (!choice) this.act(deeds[key], event.timeStamp);
    else if (this.tasks.length) {
      const button = this.root.querySelector(`[data-choice="${CSS.escape(choice.value)}"]`);
      this.answer("vote", choice.value, event.timeStamp);
      this.screen.flash(button);
    }
    return true;
  }
}

export default function rateAnswers({ parentElement, data }) {
  if (!parentElement.rating) {
    parentElement.rating = new RatingSession(parentElement, data.base);
    parentElement.rating.start();
  }
  return () => {
    parentElement.rating?.stop();
    delete parentElement.rating;
  };
}
