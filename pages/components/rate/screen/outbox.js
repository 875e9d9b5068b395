// What was pressed and is not yet acknowledged by the server: in order, kept in the browser's own store, sent again until
// it is. A vote names its task and an undo names what it takes back, so sending twice changes nothing.

const WAITS_MS = [500, 1000, 2000, 4000, 8000];
const MOST_VOTES = 50;
const STALE_MS = 15000;
const ENDS = new Set([401, 403, 410]);

class Refusal extends Error {
  constructor(status, body) {
    super(body?.error?.message ?? `The server answered ${status}.`);
    this.status = status;
    this.code = body?.error?.code ?? "";
    this.hint = body?.error?.hint ?? "";
  }
}

/** One request; resolves to the body, rejects with `Refusal` (the server said no) or any other error (no answer). */
async function ask(base, path, body, rater) {
  const options = { credentials: "same-origin", cache: "no-store", headers: {} };
  if (rater) options.headers["X-Rater"] = rater;
  if (body !== undefined) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
    options.keepalive = options.body.length < 30000;
  }
  const answer = await fetch(`${base}${path}`, options);
  const read = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refusal(answer.status, read);
  return read;
}

class Outbox {
  /** `events`: held() → ids on the page; onVotes(reply), onUndo(reply, op), onTrouble(failures),
   *  onDropped(refusal, ops), onEnd(refusal). */
  constructor(base, events) {
    this.base = base;
    this.events = events;
    this.ops = [];
    this.sequence = 0;
    this.busy = false;
    this.failures = 0;
    this.place = null;
    this.hungry = false;
  }

  /** Keep under this rater's name from now on; takes over what earlier pages of the same rater left behind. */
  open(raterKey) {
    this.rater = raterKey;
    this.prefix = `bakeoff-rate/${raterKey}/`;
    this.place = `${this.prefix}${Math.random().toString(36).slice(2)}`;
    const left = [];
    for (const name of names(this.prefix)) {
      const kept = readKept(name);
      if (kept && (kept.released || Date.now() - kept.at > STALE_MS)) {
        left.push(kept);
        forget(name);
      }
    }
    left.sort((a, b) => a.at - b.at);
    for (const op of left.flatMap((kept) => kept.ops)) this.ops.push({ ...op, seq: (this.sequence += 1), sent: true });
    this.keep();
  }

  /** Add an operation and send it. */
  add(op) {
    this.ops.push({ ...op, seq: (this.sequence += 1), sent: false });
    this.keep();
    this.pump();
  }

  /** Ask for more items with the next request, which also renews the leases of those that are here. */
  askForMore() {
    this.hungry = true;
    this.pump();
  }

  /** Take the vote on a task back before it has left; false when it may have left. */
  withdraw(task) {
    const last = this.ops.at(-1);
    if (!last || last.kind !== "vote" || last.task !== task || last.sent) return false;
    this.ops.pop();
    this.keep();
    return true;
  }

  /** True while something about this task is on its way. */
  concerns(task) {
    return this.ops.some((op) => op.task === task);
  }

  /** Send until nothing is left; one request at a time, in order. */
  async pump() {
    if (this.busy) return;
    this.busy = true;
    try {
      while ((this.ops.length || this.hungry) && !this.stopped) await this.sendHead();
    } finally {
      this.busy = false;
    }
  }

  async sendHead() {
    try {
      if (this.ops[0]?.kind === "undo") await this.sendUndo(this.ops[0]);
      else await this.sendVotes();
      this.failures = 0;
      this.events.onTrouble(0);
    } catch (problem) {
      if (problem instanceof Refusal && ENDS.has(problem.status)) {
        this.stopped = true;
        this.events.onEnd(problem);
        return;
      }
      if (problem instanceof Refusal && problem.status < 500 && problem.status !== 429) this.dropHead(problem);
      else await this.pause();
    }
  }

  async sendVotes() {
    const wanted = this.hungry;
    this.hungry = false;
    const first = this.ops.findIndex((op) => op.kind === "undo");
    const batch = this.ops.slice(0, Math.min(first < 0 ? this.ops.length : first, MOST_VOTES));
    for (const op of batch) op.sent = true;
    const later = this.ops.slice(batch.length).map((op) => op.task);
    const have = [...new Set([...this.events.held(), ...later])];
    const votes = batch.map(({ kind, sent, ...vote }) => vote);
    const reply = await ask(this.base, "/votes", { votes, have }, this.rater).catch((problem) => {
      this.hungry = wanted && !(problem instanceof Refusal && problem.status < 500);
      throw problem;
    });
    const settled = new Set([...reply.acknowledged, ...reply.refused.map((one) => one.seq)]);
    this.ops = this.ops.filter((op) => !settled.has(op.seq));
    this.keep();
    this.events.onVotes(reply);
    if (batch.length && batch.every((op) => !settled.has(op.seq))) await this.pause();
  }

  async sendUndo(op) {
    op.sent = true;
    const reply = await ask(this.base, "/undo", { task: op.task }, this.rater);
    this.ops = this.ops.filter((other) => other !== op);
    this.keep();
    this.events.onUndo(reply, op);
  }

  /** The server will never take what is at the head: drop it and say so. */
  dropHead(problem) {
    if (!this.ops.length) return;
    const dropped = this.ops[0].kind === "undo" ? this.ops.splice(0, 1) : this.ops.splice(0, this.sentAhead());
    this.keep();
    this.events.onDropped(problem, dropped);
  }

  sentAhead() {
    const waiting = this.ops.findIndex((op) => !op.sent || op.kind === "undo");
    return Math.max(1, waiting < 0 ? this.ops.length : waiting);
  }

  async pause() {
    const wait = WAITS_MS[Math.min(this.failures, WAITS_MS.length - 1)];
    this.failures += 1;
    this.events.onTrouble(this.failures);
    await new Promise((go) => setTimeout(go, wait));
  }

  keep(released = false) {
    if (!this.place) return;
    if (!this.ops.length) forget(this.place);
    else write(this.place, JSON.stringify({ at: Date.now(), released, ops: this.ops }));
  }
}

// A browser may refuse its store (private mode, full): the votes are then kept in memory only, and still sent.
function names(prefix) {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(prefix));
  } catch {
    return [];
  }
}

function readKept(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
}

function write(name, text) {
  try {
    localStorage.setItem(name, text);
  } catch {
    // see above
  }
}

function forget(name) {
  try {
    localStorage.removeItem(name);
  } catch {
    // see above
  }
}
