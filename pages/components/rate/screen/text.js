// Text of people and models as DOM nodes: readable Markdown and code, and inert. Every word gets in as a text node;
// there is no way from here to a link, an image or markup, because only the tags named in this file are ever made.

const MOST_DRAWN = 20000;
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
const INLINE = /`([^`\n]+)`|\*\*([^*\n]+)\*\*|(?<![\w*])\*([^*\s][^*\n]*)\*(?![\w*])/g;
const FENCE = /^\s*(```|~~~)/;
const HEADING = /^(#{1,6})\s+(.*)$/;
const ITEM = /^(\s*)([-*+]|\d{1,3}[.)])\s+(.*)$/;
const RULE = /^\s*([-*_])(\s*\1){2,}\s*$/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

function make(tag, cls, text) {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  if (text !== undefined) node.textContent = text;
  return node;
}

/** The text without control characters, among them those that turn the reading direction around. */
function visibleText(text) {
  return String(text ?? "").replace(/\r\n?/g, "\n").replace(CONTROL, "\ufffd");
}

/** A block with the text; `asWritten` shows every sign as it is. What is over 20,000 characters waits behind a button. */
function textBlock(text, asWritten) {
  const whole = visibleText(text);
  const block = make("div", "text");
  if (!whole.trim()) {
    block.append(make("span", "muted", "(empty)"));
    return block;
  }
  fill(block, whole.slice(0, MOST_DRAWN), asWritten);
  if (whole.length > MOST_DRAWN) {
    const more = make("button", "more", `Show all ${whole.length.toLocaleString("en")} characters`);
    more.type = "button";
    more.addEventListener("click", () => {
      block.replaceChildren();
      fill(block, whole, asWritten);
    });
    block.append(more);
  }
  return block;
}

function fill(block, text, asWritten) {
  if (asWritten) block.append(written(make("div", "raw", text)));
  else if (looksLikeJson(text)) block.append(codeBlock(text));
  else block.append(...blocksOf(text.split("\n")));
}

function looksLikeJson(text) {
  const trimmed = text.trim();
  return /^[{[]/.test(trimmed) && /[}\]]$/.test(trimmed) && /["\d\]}]/.test(trimmed);
}

function codeBlock(text) {
  const pre = make("pre");
  pre.append(make("code", "", text));
  return pre;
}

function blocksOf(lines) {
  const blocks = [];
  let paragraph = [];
  const flush = () => {
    if (paragraph.length) blocks.push(withInline(written(make("div", "p")), paragraph.join("\n")));
    paragraph = [];
  };
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i];
    const fence = FENCE.exec(line);
    if (fence) {
      flush();
      let end = i + 1;
      while (end < lines.length && !lines[end].trim().startsWith(fence[1])) end += 1;
      blocks.push(codeBlock(lines.slice(i + 1, end).join("\n")));
      i = end;
    } else if (line.includes("|") && TABLE_RULE.test(lines[i + 1] ?? "") && (lines[i + 1] ?? "").includes("-")) {
      flush();
      let end = i + 2;
      while (end < lines.length && lines[end].includes("|")) end += 1;
      blocks.push(tableOf([line, ...lines.slice(i + 2, end)]));
      i = end - 1;
    } else if (!line.trim()) {
      flush();
    } else {
      const single = lineBlock(line);
      if (single) {
        flush();
        blocks.push(single);
      } else paragraph.push(line);
    }
  }
  flush();
  return blocks;
}

/** The block of a line that stands for itself (heading, list item, quote, rule), or null. */
function lineBlock(line) {
  const heading = HEADING.exec(line);
  if (heading) return withInline(written(make("div", "h")), heading[2]);
  if (RULE.test(line)) return make("hr");
  const item = ITEM.exec(line);
  if (item) {
    const block = written(make("div", "li"));
    block.style.marginInlineStart = `${Math.min(item[1].length, 12) * 0.5}em`;
    block.append(make("span", "mark", /\d/.test(item[2]) ? item[2] : "•"), withInline(make("span"), item[3]));
    return block;
  }
  if (/^\s*>/.test(line)) return withInline(written(make("div", "quote")), line.replace(/^\s*>\s?/, ""));
  return null;
}

function tableOf(rows) {
  const table = make("table");
  rows.forEach((row, number) => {
    const line = make("tr");
    for (const cell of row.trim().replace(/^\||\|$/g, "").split("|")) {
      line.append(withInline(written(make(number ? "td" : "th")), cell.trim()));
    }
    table.append(line);
  });
  const frame = make("div", "wide");
  frame.append(table);
  return frame;
}

/** A node that runs in the direction of its first strong letter: Hebrew and Arabic from the right. */
function written(node) {
  node.dir = "auto";
  return node;
}

function withInline(node, text) {
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    if (found.index > end) node.append(text.slice(end, found.index));
    const [whole, code, strong, slanted] = found;
    if (code !== undefined) node.append(make("code", "", code));
    else node.append(make(strong !== undefined ? "strong" : "em", "", strong ?? slanted));
    end = found.index + whole.length;
  }
  if (end < text.length) node.append(text.slice(end));
  return node;
}
