// Opens a page whose requests are answered from a HAR file, and prints what it was answered.
// node har.mjs FILE.har REQUESTS.json, which are the requests that the page makes.
import { readFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const [har, file] = process.argv.slice(2);
const requests = JSON.parse(await readFile(file, "utf8"));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
});
try {
  const page = await browser.newPage();
  await page.routeFromHAR(har, { notFound: "abort" });
  await page.route("http://127.0.0.1:8000/", (route) => route.fulfill({ body: "<p>a page</p>" }));
  await page.goto("http://127.0.0.1:8000/");
  const answers = await page.evaluate(async (requests) => {
    const answers = [];
    for (const { method, url, headers, body } of requests) {
      try {
        const response = await fetch(url, { method, headers, body });
        answers.push({ status: response.status, text: await response.text() });
      } catch (error) {
        answers.push({ error: String(error) });
      }
    }
    return answers;
  }, requests);
  console.log(JSON.stringify(answers));
} finally {
  await browser.close();
}
