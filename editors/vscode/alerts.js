// GitHub's alerts for markdown-it: a quote that begins with [!WARNING] gets the symbol
// and the word of its function. What GitHub shows as a plain quote stays one.
"use strict";

const SIGNS = {
  note: ["ℹ️", "Note", "说明"],
  tip: ["💡", "Tip", "提示"],
  important: ["📌", "Important", "重点"],
  warning: ["⚠️", "Warning", "警告"],
  caution: ["🔴", "Danger", "危险"],
};
const MARKER = /^\[!(note|tip|important|warning|caution)\][ \t]*(?:\n|$)/i;

// One letter in ten is Chinese: the same measure as in firstlight itself.
function isChinese(source) {
  const chinese = source.match(/[\u4e00-\u9fff]/g)?.length ?? 0;
  const letters = source.match(/[A-Za-z]/g)?.length ?? 0;
  return chinese * 10 > letters + chinese;
}

// Where the quote that opens at `start` closes.
function closing(tokens, start) {
  let at = start + 1;
  while (tokens[at].type !== "blockquote_close" || tokens[at].level !== 0) at += 1;
  return at;
}

function title(state, open, kind, word) {
  const [symbol] = SIGNS[kind];
  const paragraph = new state.Token("paragraph_open", "p", 1);
  paragraph.attrSet("class", "markdown-alert-title");
  paragraph.map = open.map;
  paragraph.block = true;
  // The word says what the symbol says, so it is not to be read aloud as well.
  const sign = new state.Token("html_inline", "", 0);
  sign.content = `<span aria-hidden="true">${symbol}</span> `;
  const text = new state.Token("text", "", 0);
  text.content = word;
  const inline = new state.Token("inline", "", 0);
  inline.content = "";
  inline.children = [sign, text];
  const end = new state.Token("paragraph_close", "p", -1);
  end.block = true;
  for (const token of [paragraph, end]) token.level = 1;
  inline.level = 2;
  return [paragraph, inline, end];
}

// The kind of an alert, and the tokens inside it without its marker; nothing when the
// quote is no alert.
function read(inside) {
  const [paragraph, inline, , ...others] = inside;
  const found = paragraph?.type === "paragraph_open" && MARKER.exec(inline.content);
  if (!found) return [];
  const rest = inline.content.slice(found[0].length);
  if (!rest) return others.length ? [found[1].toLowerCase(), others] : [];
  inline.content = rest;
  return [found[1].toLowerCase(), inside];
}

function rewrite(state) {
  const words = isChinese(state.src) ? 2 : 1;
  const tokens = [];
  for (let at = 0; at < state.tokens.length; at += 1) {
    const open = state.tokens[at];
    tokens.push(open);
    if (open.type !== "blockquote_open" || open.level !== 0) continue;
    const end = closing(state.tokens, at);
    const inside = state.tokens.slice(at + 1, end);
    const [kind, body] = read(inside);
    if (kind) {
      open.tag = state.tokens[end].tag = "div";
      open.attrJoin("class", `markdown-alert markdown-alert-${kind}`);
      open.attrSet("role", "note");
      tokens.push(...title(state, open, kind, SIGNS[kind][words]), ...body);
    } else {
      tokens.push(...inside);
    }
    at = end - 1;
  }
  state.tokens = tokens;
}

function alerts(markdown) {
  markdown.core.ruler.after("block", "firstlight_alerts", rewrite);
}

module.exports = { alerts, SIGNS };
