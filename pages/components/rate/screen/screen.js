// Everything that is drawn. The screen knows nothing of requests: it shows what it is given and says what was pressed.

const SIDES = { left: "Left", right: "Right", text: "Answer" };
const SCROLL_STEP = 0.35;

class Screen {
  constructor(root) {
    this.root = root;
    this.rate = root.querySelector(".rate");
    this.ready = new Map();
    this.asWritten = false;
    this.panes = [];
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  /** Lay out the session: question, panes, choices, reasons. Done once. */
  prepare(session, asksName) {
    this.session = session;
    this.rate.dataset.kind = session.kind;
    this.sides = session.kind === "pairwise" ? ["left", "right"] : ["text"];
    this.find(".question").textContent = session.question;
    this.panes = this.sides.map((side) => this.pane(side));
    this.find(".panes").replaceChildren(...this.panes.map((pane) => pane.frame));
    this.find(".panes").classList.toggle("single", this.sides.length === 1);
    this.find(".choices").replaceChildren(...session.choices.map(choiceButton));
    this.find(".extras").replaceChildren(...this.extras(session));
    this.find(".guide").replaceChildren(...guideOf(session, asksName));
    this.find("[data-do=help]").hidden = !this.find(".guide").hasChildNodes();
  }

  pane(side) {
    const frame = make("article", "pane");
    frame.dataset.side = side;
    const body = make("div", "body");
    body.tabIndex = 0;
    body.setAttribute("aria-label", SIDES[side]);
    body.addEventListener("scroll", () => this.follow(body), { passive: true });
    frame.append(make("h2", "", SIDES[side]), body);
    return { side, frame, body };
  }

  extras(session) {
    const made = session.reasons.map((reason) => {
      const chip = make("button", "chip", reason);
      chip.type = "button";
      chip.dataset.reason = reason;
      chip.setAttribute("aria-pressed", "false");
      return chip;
    });
    if (session.comment) {
      const open = make("button", "chip comment-open");
      open.type = "button";
      open.dataset.do = "comment";
      open.append(make("span", "label", "Comment"), make("kbd", "", "C"));
      const box = make("textarea", "comment");
      box.hidden = true;
      box.rows = 2;
      box.maxLength = 2000;
      box.placeholder = "Why? Saved with your answer. Esc goes back to the keys.";
      box.setAttribute("aria-label", "Comment");
      made.push(open, box);
    }
    return made;
  }

  /** Show an item at once; `before` is what was answered on it earlier, after an undo. */
  draw(task, before) {
    const built = this.build(task);
    this.panes.forEach((pane, number) => {
      pane.body.replaceChildren(built.panes[number]);
      pane.body.scrollTop = 0;
    });
    this.find(".input").replaceChildren(...built.input);
    this.find(".input").scrollTop = 0;
    for (const button of this.root.querySelectorAll(".choices button")) {
      button.classList.toggle("before", before !== undefined && button.dataset.choice === before.choice);
    }
    for (const chip of this.root.querySelectorAll("[data-reason]")) {
      chip.setAttribute("aria-pressed", String(before?.reasons.includes(chip.dataset.reason) ?? false));
    }
    this.setComment(before?.comment ?? "");
    this.ready.delete(task.id);
  }

  /** The nodes of an item, made ahead of time where there was time. */
  build(task) {
    const known = this.ready.get(task.id);
    if (known && known.asWritten === this.asWritten) return known;
    const built = {
      asWritten: this.asWritten,
      panes: this.sides.map((side) => textBlock(task[side], this.asWritten)),
      input: inputOf(task, this.asWritten),
    };
    this.ready.set(task.id, built);
    return built;
  }

  /** Make the nodes of the next items while nobody waits; forget those of items that are gone. */
  warm(tasks) {
    const next = tasks.slice(0, 3);
    const wanted = new Set(next.map((task) => task.id));
    for (const id of this.ready.keys()) if (!wanted.has(id)) this.ready.delete(id);
    next.forEach((task) => this.build(task));
  }

  /** Which of work, guide and state is to be seen. */
  showWork() {
    this.find(".work").hidden = false;
    this.find(".state").hidden = true;
    this.find(".tools").hidden = false;
  }

  showState(title, text) {
    this.find(".work").hidden = true;
    this.find(".state").hidden = false;
    this.find(".state h1").textContent = title;
    this.find(".state p").textContent = text;
    this.toggleGuide(false);
  }

  toggleGuide(open = this.find(".guide").hidden) {
    const shown = open && this.find(".guide").hasChildNodes();
    this.find(".guide").hidden = !shown;
    this.find("[data-do=help]").setAttribute("aria-expanded", String(shown));
    return shown;
  }

  toggleWritten(task) {
    this.asWritten = !this.asWritten;
    this.find("[data-do=written]").setAttribute("aria-pressed", String(this.asWritten));
    this.ready.clear();
    const built = this.build(task);
    this.panes.forEach((pane, number) => pane.body.replaceChildren(built.panes[number]));
    this.find(".input").replaceChildren(...built.input);
  }

  counts({ done, left, minutes, atItem }) {
    const total = done + left;
    this.find(".count").textContent = atItem ? `Item ${done + 1} of ${total}` : `${done} of ${total} rated`;
    this.find(".time").textContent = left ? minutes : "";
    this.find(".fill").style.width = `${total ? (100 * done) / total : 100}%`;
    const bar = this.find(".bar");
    bar.setAttribute("aria-valuemax", String(total));
    bar.setAttribute("aria-valuenow", String(done));
  }

  /** Whether everything pressed is safe on the server. */
  saved(waiting, failures) {
    const place = this.find(".kept");
    place.classList.toggle("trouble", failures > 1);
    if (failures > 1) place.textContent = `No connection: ${waiting} kept here, sent when it is back`;
    else place.textContent = waiting ? "Saving…" : "Saved";
  }

  notice(text) {
    const place = this.find(".notice");
    place.textContent = text;
    place.hidden = !text;
    clearTimeout(this.noticeEnds);
    if (text) this.noticeEnds = setTimeout(() => this.notice(""), 5000);
  }

  flash(button) {
    button?.classList.add("pressed");
    setTimeout(() => button?.classList.remove("pressed"), 160);
  }

  reasons() {
    return [...this.root.querySelectorAll("[data-reason][aria-pressed=true]")].map((chip) => chip.dataset.reason);
  }

  comment() {
    return this.find(".comment")?.value.trim() ?? "";
  }

  setComment(text) {
    const box = this.find(".comment");
    if (!box) return;
    box.value = text;
    box.hidden = !text;
    box.blur();
  }

  openComment() {
    const box = this.find(".comment");
    if (!box) return;
    box.hidden = false;
    box.focus();
  }

  /** Scroll all panes together; `by` is in heights of a pane. */
  scroll(by) {
    const longest = this.panes.reduce((a, b) => (b.body.scrollHeight > a.body.scrollHeight ? b : a));
    longest.body.scrollTop += by * longest.body.clientHeight;
  }

  /** The other pane goes to the same share of its own length. */
  follow(from) {
    if (this.led === from) {
      this.led = null;
      return;
    }
    const range = from.scrollHeight - from.clientHeight;
    for (const { body } of this.panes) {
      const own = body.scrollHeight - body.clientHeight;
      const to = range > 0 ? Math.round((from.scrollTop / range) * own) : 0;
      if (body === from || own <= 0 || Math.abs(body.scrollTop - to) < 1) continue;
      this.led = body;
      body.scrollTop = to;
    }
  }
}

function choiceButton(choice) {
  const button = make("button", "choice");
  button.type = "button";
  button.dataset.choice = choice.value;
  button.append(make("kbd", "", choice.key));
  if (choice.label !== choice.key) button.append(make("span", "label", choice.label || choice.value));
  return button;
}

function inputOf(task, asWritten) {
  const made = [];
  if (task.prompt_text) made.push(make("h2", "", "Input"), textBlock(task.prompt_text, asWritten));
  if (task.reference) made.push(make("h2", "", "Expected answer"), textBlock(task.reference, asWritten));
  return made;
}

/** The rubric and its examples, and the question for a name; empty where the owner wrote none and asks for none. */
function guideOf(session, asksName) {
  const made = [];
  if (asksName) made.push(nameField());
  if (session.instructions) made.push(textBlock(session.instructions, false));
  session.examples.forEach((example, number) => {
    const block = make("div", "example");
    block.append(make("h2", "", `Example ${number + 1}`));
    const named = [
      ["Input", example.prompt_text],
      ["Left", example.left],
      ["Right", example.right],
      ["Answer", example.text],
      ["Rate it", example.answer],
      ["Why", example.why],
    ];
    for (const [name, text] of named) {
      if (!text) continue;
      const line = make("div", "named");
      line.append(make("span", "muted", name), textBlock(text, false));
      block.append(line);
    }
    made.push(block);
  });
  return made;
}

function nameField() {
  const label = make("label", "name", "Your name, if you like: ");
  const field = make("input");
  field.name = "rater";
  field.maxLength = 80;
  field.autocomplete = "name";
  label.append(field, make("span", "muted", " Only the owner of this session sees it."));
  return label;
}
