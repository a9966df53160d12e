// Renders the pages on standard input (a JSON list) as the extension's preview does.
"use strict";

const { alerts, SIGNS } = require(process.argv[2]);
const markdown = require("markdown-it")({ html: true }).use(alerts);
const pages = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const html = pages.map((page) => markdown.render(page));
process.stdout.write(JSON.stringify({ html, signs: SIGNS }));
