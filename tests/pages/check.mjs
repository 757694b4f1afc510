// Opens pages in headless Chromium and reports what is wrong with them: findings of html-validate and axe-core,
// requests the page makes or that its policy blocks, and content wider than a phone's screen.
//
//   node check.mjs [--pictures FOLDER] PAGE...
//
// With --pictures, screenshots of the first page are made for the documentation: desktop, phone, dark mode.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { HtmlValidate } from "html-validate";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const DESK = { width: 1100, height: 900 };
const PHONE = { width: 375, height: 740 };
const VIEWS = [
  { name: "desk", viewport: DESK, colorScheme: "light" },
  { name: "phone", viewport: PHONE, colorScheme: "light", deviceScaleFactor: 2 },
  { name: "dark", viewport: DESK, colorScheme: "dark" },
];

const pages = process.argv.slice(2);
const pictures = pages[0] === "--pictures" ? pages.splice(0, 2)[1] : null;
const faults = [];

const validator = new HtmlValidate({
  extends: ["html-validate:standard"],
  // The pages have no line breaks, and must not have inline styles.
  rules: { "no-inline-style": "error", "long-title": "off", "no-trailing-whitespace": "off" },
});

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"],
});
for (const [number, name] of pages.entries()) {
  const path = resolve(name);
  const html = await readFile(path, "utf8");
  for (const result of (await validator.validateString(html)).results) {
    for (const found of result.messages) {
      faults.push(`${name}: ${found.ruleId} at ${found.line}:${found.column}: ${found.message}`);
    }
  }
  for (const view of VIEWS) {
    await check(path, name, view, pictures !== null && number === 0);
  }
}
await browser.close();
for (const fault of faults) console.error(fault);
console.log(faults.length === 0 ? `${pages.length} pages checked, nothing found` : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);

async function check(path, name, view, takeScreenshot) {
  const report = (what) => faults.push(`${name} (${view.name}): ${what}`);
  // As delivered, with its own content security policy.
  const plain = await browser.newContext(view);
  const page = await plain.newPage();
  page.on("console", (line) => report(`the console shows: ${line.text()}`));
  page.on("pageerror", (error) => report(`a script failed: ${error}`));
  page.on("request", (request) => {
    if (request.url() !== pathToFileURL(path).href) report(`it requests ${request.url()}`);
  });
  await page.goto(pathToFileURL(path).href);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (wide > 0) report(`it is ${wide} pixels too wide`);
  if (takeScreenshot) await page.screenshot({ path: `${pictures}/report-${view.name}.png` });
  await plain.close();
  // The page's policy would block axe, which is a script.
  const open = await browser.newContext({ ...view, bypassCSP: true });
  const examined = await open.newPage();
  await examined.goto(pathToFileURL(path).href);
  await examined.addScriptTag({ path: axe });
  const { violations } = await examined.evaluate(() => globalThis.axe.run());
  for (const { id, help, nodes } of violations) {
    report(`axe ${id}: ${help}: ${nodes.map((node) => node.target.join(" ")).slice(0, 5).join(", ")}`);
  }
  await open.close();
}
