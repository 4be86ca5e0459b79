// The released posthog-node SDK in an application that goes on running. Each line of its input is
// events to capture, as JSON: [[event, distinct id], …]; it answers when they are sent. URL and
// project token are arguments.
import { createInterface } from "node:readline";
import { PostHog } from "posthog-node";

const [url, token] = process.argv.slice(2);
const client = new PostHog(token, { host: url });
for await (const line of createInterface({ input: process.stdin })) {
  for (const [event, distinctId] of JSON.parse(line)) client.capture({ distinctId, event });
  await client.flush();
  console.log("sent");
}
await client.shutdown();
