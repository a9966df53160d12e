// Starts the language server, and gives the built-in preview GitHub's alerts.
"use strict";

const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");
const { alerts } = require("./alerts");

let client;

// A window shows pages of files, of nothing saved yet, and cells of notebooks. Old
// versions of a page, which git shows beside it, are not to be mended.
const PAGES = ["file", "untitled", "vscode-notebook-cell"].map((scheme) => ({
  scheme,
  language: "markdown",
}));

function program(settings) {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  const path = settings.get("path") || "firstlight";
  return path.replaceAll("${workspaceFolder}", folder ? folder.uri.fsPath : ".");
}

function start() {
  const settings = vscode.workspace.getConfiguration("firstlight");
  const command = program(settings);
  client = new LanguageClient(
    "firstlight",
    "firstlight",
    { command, args: ["docs", "lsp"] },
    {
      documentSelector: PAGES,
      initializationOptions: { targets: settings.get("targets") },
      synchronize: { configurationSection: "firstlight" },
    },
  );
  // The preview must not wait for the server, nor be without alerts when there is none.
  client.start().catch((error) => {
    vscode.window.showErrorMessage(
      `firstlight: "${command} docs lsp" does not start (${error.message}). ` +
        "Install it with pip, or say where it is in the setting firstlight.path.",
    );
  });
}

async function restart() {
  await client?.stop().catch(() => {});
  start();
}

function activate(context) {
  start();
  context.subscriptions.push(
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("firstlight.path")) restart();
    }),
  );
  return { extendMarkdownIt: (markdown) => markdown.use(alerts) };
}

function deactivate() {
  return client?.stop();
}

module.exports = { activate, deactivate };
