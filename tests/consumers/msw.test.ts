// Asks the handlers of a conversation what its client asked, and holds them to what it was answered.
import { createParser } from "eventsource-parser";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Exchange } from "./msw/replay";

const modules = import.meta.glob("./*/msw/*.handlers.ts", { eager: true }) as Record<
  string,
  { exchanges: Exchange[]; handlers: (options?: object) => never[] }
>;
const base = "https://agents.example.com";
const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

function ask({ method, path, sent }: Exchange, at = base): Promise<Response> {
  const isText = typeof sent === "string";
  const body = sent === undefined || isText ? sent : JSON.stringify(sent);
  const headers = sent === undefined || isText ? {} : { "Content-Type": "application/json" };
  return fetch(at + path, { method, body, headers } as RequestInit);
}

async function chunks(response: Response): Promise<string[]> {
  const decoder = new TextDecoder();
  const found: string[] = [];
  for await (const chunk of response.body ?? []) found.push(decoder.decode(chunk as Uint8Array));
  return found;
}

function events(text: string): unknown[] {
  const found: unknown[] = [];
  createParser({ onEvent: ({ id, event, data }) => found.push({ id, event, data }) }).feed(text);
  return found;
}

test("there are handlers to try", () => {
  expect(Object.keys(modules).length).toBeGreaterThan(4);
});

for (const [file, { exchanges, handlers }] of Object.entries(modules)) {
  test(`${file}: every exchange is answered as it was`, async () => {
    server.use(...handlers({ base, pace: 0 }));
    for (const exchange of exchanges) {
      const response = await ask(exchange);
      expect(response.status).toBe(exchange.status);
      expect(response.headers.get("content-type")).toBe(exchange.headers["content-type"] ?? null);
      if (exchange.pieces) {
        const whole = exchange.pieces.map((piece) => piece.text).join("");
        const came = await chunks(response);
        expect(came.join("")).toBe(whole);
        expect(came.length).toBe(exchange.pieces.length);
        if (exchange.headers["content-type"]!.startsWith("text/event-stream")) {
          expect(events(came.join("")).length).toBe(whole.match(/^data:.*\n\n/gm)!.length);
        }
      } else if (exchange.json !== undefined) {
        expect(await response.json()).toEqual(exchange.json);
      }
    }
    const last = exchanges[exchanges.length - 1]!;
    expect((await ask(last)).status).toBe(last.status);
  });
}

const { exchanges, handlers } = modules["./sessions/msw/default.streamed.handlers.ts"]!;
const said = exchanges.filter((exchange) => exchange.pieces);

test("what was never asked is not answered", async () => {
  server.use(...handlers({ base, pace: 0 }));
  await expect(fetch(`${base}/unknown`)).rejects.toThrow();
  await expect(ask({ ...said[0]!, method: "PUT" })).rejects.toThrow();
  await expect(ask({ ...said[0]!, sent: { messages: [] } })).rejects.toThrow();
  await expect(ask(said[0]!, "https://elsewhere.example.com")).rejects.toThrow();
});

test("a body decides which answer comes, whatever the order of its members", async () => {
  server.use(...handlers({ base, pace: 0 }));
  const second = said[1]!.pieces!.map((piece) => piece.text).join("");
  expect(await (await ask(said[1]!)).text()).toBe(second);
  const [{ role, content }] = (said[1]!.sent as { messages: Record<string, string>[] }).messages as [
    Record<string, string>,
  ];
  const turned = { ...said[1]!, sent: { messages: [{ content, role }] } };
  expect(await (await ask(turned)).text()).toBe(second);
});

test("with anyBody the answers come in their order, and the last one again", async () => {
  server.use(...handlers({ base, pace: 0, anyBody: true }));
  for (const wanted of [...said, said[said.length - 1]!]) {
    const response = await ask({ ...said[0]!, sent: { messages: "whatever" } });
    expect(await response.text()).toBe(wanted.pieces!.map((piece) => piece.text).join(""));
  }
});

test("a stream takes the time that it took, as far as its pace says", async () => {
  const wanted = said[0]!.pieces!.reduce((sum, piece) => sum + piece.after, 0);
  const pace = 100 / wanted;
  server.use(...handlers({ base, pace }));
  const began = performance.now();
  const response = await ask(said[0]!);
  const answered = performance.now();
  await response.text();
  expect(performance.now() - began).toBeGreaterThan(80);
  expect(performance.now() - answered).toBeGreaterThan(40);
});
