// browser.mjs REPORT LARGE OUT opens a report, and that of a run with hostile texts, in Chromium. It fails at anything that a reader would
// stumble over, and leaves pictures and a PDF in OUT.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve, join } from "node:path";
import chromium from "@sparticuz/chromium";
import { chromium as playwright } from "playwright-core";

const [report, large, out] = process.argv.slice(2).map((p) => resolve(p));
const axe = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

let browser;
try {
  browser = await playwright.launch({ executablePath: await chromium.executablePath(), args: ["--no-sandbox", "--disable-gpu"], headless: true });
} catch (e) {
  console.log("skipped: the browser does not start: " + String(e.message).split("\n")[0]);
  process.exit(77);
}

// open shows a page and gathers what it says, asks for and does.
async function open(file, { width = 1280, height = 900, dark = false, script = true } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? "dark" : "light", javaScriptEnabled: script });
  const page = await context.newPage();
  const trouble = [];
  page.on("console", (m) => trouble.push(m.type() + ": " + m.text()));
  page.on("pageerror", (e) => trouble.push("error: " + e.message));
  page.on("dialog", (d) => { trouble.push("dialog: " + d.message()); d.dismiss(); });
  page.on("request", (r) => { if (r.url() !== "file://" + file && r.url() !== "data:,") trouble.push("request: " + r.url().slice(0, 100)); });
  await page.goto("file://" + file);
  return { page, trouble, done: async () => { assert.deepEqual(trouble, []); await context.close(); } };
}

async function barriers(page, name) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => (await window.axe.run()).violations.map((v) =>
    ({ id: v.id, impact: v.impact, nodes: v.nodes.length, first: v.nodes[0].html.slice(0, 160), why: v.nodes[0].failureSummary })));
  const serious = found.filter((v) => v.impact === "serious" || v.impact === "critical");
  assert.deepEqual(serious, [], name);
  return found.length;
}

let passed = 0;
async function test(name, f) {
  await f();
  passed++;
  console.log("ok   " + name);
}

await test("renders on a desk and can be filtered", async () => {
  const { page, done } = await open(report);
  assert.match(await page.title(), /Palimpsest$/);
  const all = await page.locator(".exhibit").count();
  assert.ok(all > 3);
  assert.ok(await page.locator(".chart svg").count() > 3);
  const found = page.locator(".found");
  assert.equal(await found.textContent(), `${all} of ${all} exhibits on this page`);
  const kind = await page.locator("#by-kind option").last().getAttribute("value") ?? await page.locator("#by-kind option").last().textContent();
  await page.selectOption("#by-kind", { label: await page.locator("#by-kind option").last().textContent() });
  const some = await page.locator(`.exhibit:visible`).count();
  assert.ok(some > 0 && some < all, `${some} of ${all} of kind ${kind}`);
  for (const e of await page.locator(".exhibit:visible").all()) assert.equal(await e.getAttribute("data-kind"), await page.inputValue("#by-kind"));
  await page.fill("#find", "no such words anywhere");
  assert.equal(await page.locator(".exhibit:visible").count(), 0);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".exhibit:visible").count(), all);
  await page.screenshot({ path: join(out, "desk.png") });
  await done();
});

await test("goes with the keys", async () => {
  const { page, done } = await open(report);
  const at = () => page.evaluate(() => document.activeElement.id);
  const ids = await page.locator(".exhibit").evaluateAll((all) => all.map((e) => e.id));
  await page.keyboard.press("j");
  assert.equal(await at(), ids[0]);
  await page.keyboard.press("j");
  assert.equal(await at(), ids[1]);
  await page.keyboard.press("k");
  assert.equal(await at(), ids[0]);
  const unfolded = () => page.locator("#" + ids[0] + " details.body").evaluate((d) => d.open);
  const before = await unfolded();
  await page.keyboard.press("Enter");
  assert.equal(await unfolded(), !before);
  await page.keyboard.press("/");
  assert.equal(await at(), "find");
  await page.keyboard.type("jk/");
  assert.equal(await page.inputValue("#find"), "jk/");
  await page.keyboard.press("Escape");
  assert.equal(await page.inputValue("#find"), "");
  await done();
});

await test("fits a phone", async () => {
  const { page, done } = await open(report, { width: 360, height: 760 });
  await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  await page.locator(".exhibit").first().scrollIntoViewIfNeeded();
  await page.screenshot({ path: join(out, "phone.png") });
  await done();
});

await test("is whole without its script", async () => {
  const { page, done } = await open(report, { script: false });
  assert.equal(await page.locator(".filter:visible").count(), 0);
  assert.equal(await page.locator(".exhibit:visible").count(), await page.locator(".exhibit").count());
  await done();
});

await test("prints", async () => {
  const { page, done } = await open(report);
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  assert.equal(await page.locator("details:not(.query):not([open])").count(), 0);
  await page.evaluate(() => dispatchEvent(new Event("afterprint")));
  const pdf = await page.pdf({ path: join(out, "report.pdf"), format: "A4", margin: { top: "15mm", bottom: "15mm", left: "15mm", right: "15mm" } });
  assert.ok(pdf.length > 50_000);
  await done();
});

for (const [name, how] of [["in light", {}], ["in the dark", { dark: true }], ["on a phone", { width: 360, height: 760 }]]) {
  await test("has no serious barrier " + name, async () => {
    const { page, done } = await open(report, how);
    await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
    console.log(`     ${await barriers(page, name)} lesser findings`);
    await done();
  });
}

// The picture for the README: the head, the figures, and the first exhibit that has a prompt.
{
  const { page, done } = await open(report, { width: 1080 });
  await page.evaluate(() => {
    const kept = document.querySelector(".prompt")?.closest(".exhibit") ?? document.querySelector(".exhibit");
    document.querySelectorAll("nav, main > section:not(#summary):not(#exhibits), #summary > :not(.cards), #exhibits > *, details.query, " +
      "details.body > h4, .sources").forEach((e) => { if (e !== kept) e.remove(); });
    kept.querySelector("details.body").open = true;
  });
  await page.screenshot({ path: join(out, "readme.png"), fullPage: true });
  await done();
}

await test("shows hostile texts as text", async () => {
  const { page, done } = await open(large);
  const text = await page.locator("main").textContent();
  assert.ok(text.includes("<script>document.title='owned'</script>"), "the hostile text is not on the page");
  assert.match(await page.title(), /Palimpsest$/);
  assert.equal(await page.locator("main script, main img, main iframe").count(), 0);
  assert.equal(await page.evaluate(() => window.owned), undefined);
  assert.ok(!/[\u202a-\u202e\u2066-\u2069\u0000-\u0008\u001b]/.test(text));
  await done();
});

await browser.close();
console.log(`${passed} passed, 0 failed`);
