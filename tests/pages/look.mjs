// Opens pages in headless Chromium as people do, and says what is not right about them: what html-validate and axe-core
// find, whatever the page asks for or its policy stops, and text that runs out of a phone's screen.
//
//   node look.mjs [--pictures FOLDER] PAGE...
//
// With --pictures, the first page is photographed for the documentation: on a desk, on a phone, in the dark.

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

const words = process.argv.slice(2);
const pictures = words[0] === "--pictures" ? words.splice(0, 2)[1] : null;
const faults = [];

const validator = new HtmlValidate({
  extends: ["html-validate:standard"],
  // The page comes without line breaks, and inline styles are none of its.
  rules: { "no-inline-style": "error", "long-title": "off", "no-trailing-whitespace": "off" },
});

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"],
});
for (const [number, name] of words.entries()) {
  const path = resolve(name);
  const html = await readFile(path, "utf8");
  for (const result of (await validator.validateString(html)).results) {
    for (const found of result.messages) {
      faults.push(`${name}: ${found.ruleId} at ${found.line}:${found.column}: ${found.message}`);
    }
  }
  for (const view of VIEWS) {
    await look(path, name, view, pictures !== null && number === 0);
  }
}
await browser.close();
for (const fault of faults) console.error(fault);
console.log(faults.length === 0 ? `${words.length} pages looked at, nothing found` : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);

async function look(path, name, view, photograph) {
  const says = (what) => faults.push(`${name} (${view.name}): ${what}`);
  // As it is: with its own policy.
  const plain = await browser.newContext(view);
  const page = await plain.newPage();
  page.on("console", (line) => says(`the browser says: ${line.text()}`));
  page.on("pageerror", (error) => says(`something ran: ${error}`));
  page.on("request", (asked) => {
    if (asked.url() !== pathToFileURL(path).href) says(`it asks for ${asked.url()}`);
  });
  await page.goto(pathToFileURL(path).href);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (wide > 0) says(`it is ${wide} pixels too wide`);
  if (photograph) await page.screenshot({ path: `${pictures}/report-${view.name}.png` });
  await plain.close();
  // Axe is a script of ours, which the page's policy would stop.
  const open = await browser.newContext({ ...view, bypassCSP: true });
  const examined = await open.newPage();
  await examined.goto(pathToFileURL(path).href);
  await examined.addScriptTag({ path: axe });
  const { violations } = await examined.evaluate(() => globalThis.axe.run());
  for (const { id, help, nodes } of violations) {
    says(`axe ${id}: ${help}: ${nodes.map((node) => node.target.join(" ")).slice(0, 5).join(", ")}`);
  }
  await open.close();
}
