// Prints the events that eventsource-parser finds in files, as a list of lists.
import { readFile } from "node:fs/promises";
import { createParser } from "eventsource-parser";

const all = [];
for (const file of process.argv.slice(2)) {
  const events = [];
  const parser = createParser({
    onEvent: ({ id, event, data }) => events.push({ id: id ?? null, event: event ?? null, data }),
    onError: (error) => {
      throw error;
    },
  });
  parser.feed(await readFile(file, "utf8"));
  all.push(events);
}
console.log(JSON.stringify(all));
