// Uses the page of samples/ChatServer in a browser without a window: prints what it found as one JSON object.
import { chromium } from "playwright-core";

const [address, executablePath] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const problems = [];

async function open(width, height, prepare = async () => { }) {
  const page = await browser.newPage({ viewport: { width, height } });
  page.setDefaultTimeout(30000);
  page.on("pageerror", error => problems.push(`${error}`));
  page.on("console", message => message.type() === "error" && problems.push(message.text()));
  await prepare(page);
  await page.goto(address);
  await page.getByRole("checkbox", { name: "observatory" }).waitFor();
  return page;
}

const answersOf = async page => Object.fromEntries(await page.locator("article").evaluateAll(
  articles => articles.map(article => [article.querySelector("h2").textContent, article.querySelector("p").textContent])));
const isSettled = page => page.waitForFunction(() => [...document.querySelectorAll("article")].length > 0
  && [...document.querySelectorAll("article")].every(article => article.getAttribute("aria-busy") === "false"));
const overflow = page => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

// By keyboard alone: from the top of the page through the tenants to the question, and Enter.
async function byKeyboard() {
  const page = await open(1200, 900);
  const passed = [];
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => ({
      id: document.activeElement.id, value: document.activeElement.value, outline: getComputedStyle(document.activeElement).outlineStyle,
    }));
    passed.push(at);
    if (at.id === "question") {
      break;
    }
    if (at.value === "bakery" || at.value === "museum") {
      await page.keyboard.press("Space");
    }
  }
  await page.keyboard.press("Control+A");
  await page.keyboard.type("When are you open?");
  await page.keyboard.press("Enter");
  await isSettled(page);
  const answers = await answersOf(page);
  const tops = await page.locator("article").evaluateAll(articles => articles.map(article => article.getBoundingClientRect().top));
  const notes = await page.locator("article small").allTextContents();
  const status = await page.locator("#status").textContent();
  await page.close();
  return { passed, answers, tops, notes, status };
}

async function onPhone(width) {
  const page = await open(width, 700);
  const before = await overflow(page);
  await page.getByRole("button", { name: "Ask" }).click();
  await isSettled(page);
  const after = await overflow(page);
  const lefts = await page.locator("article").evaluateAll(articles => articles.map(article => article.getBoundingClientRect().left));
  const targets = await page.locator("button, #question, #tenants label").evaluateAll(
    elements => elements.map(element => element.getBoundingClientRect().height));
  const font = await page.locator("article p").first().evaluate(text => parseFloat(getComputedStyle(text).fontSize));
  await page.close();
  return { before, after, lefts, smallest: Math.min(...targets), font };
}

// Answers that never come are stopped; one that is refused, and a server that is gone, are told.
async function inTrouble() {
  let isHeld = true;
  const page = await open(800, 700, page => page.route("**/v1/chat/completions", route => isHeld
    ? undefined
    : route.fulfill({ status: 503, contentType: "application/json", body: JSON.stringify({ error: { message: "The server is stopping." } }) })));
  await page.getByRole("button", { name: "Ask" }).click();
  const stop = page.getByRole("button", { name: "Stop" });
  const couldStop = await stop.isEnabled();
  await stop.click();
  await isSettled(page);
  const stopped = await page.locator("article small").allTextContents();
  const isQuiet = await stop.isDisabled();
  isHeld = false;
  const told = problems.length;
  await page.getByRole("button", { name: "Ask" }).click();
  await isSettled(page);
  const refused = await page.locator("article small").allTextContents();
  await page.context().setOffline(true);
  await page.waitForFunction(() => document.getElementById("status").textContent === "The server cannot be reached.");
  await page.close();
  // Statuses above 399 and broken connections are told on the console; that is not the page's doing.
  problems.length = told;
  return { couldStop, stopped, isQuiet, refused };
}

try {
  const keyboard = await byKeyboard();
  const phones = [await onPhone(390), await onPhone(320)];
  const trouble = await inTrouble();
  console.log(JSON.stringify({ keyboard, phones, trouble, problems }));
} finally {
  await browser.close();
}
