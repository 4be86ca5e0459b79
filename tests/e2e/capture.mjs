// The released posthog-node SDK, as an application uses it. URL and project token are arguments.
import { PostHog } from "posthog-node";

const [url, token] = process.argv.slice(2);
const errors = [];
const client = new PostHog(token, { host: url, flushAt: 20 });
client.on("error", (error) => errors.push(String(error)));
for (let person = 0; person < 6; person++) {
  client.capture({ distinctId: `n${person}`, event: "node_signed_up", properties: { plan: "pro" } });
  if (person % 2) client.capture({ distinctId: `n${person}`, event: "node_paid" });
}
// n0 pays under another id of theirs.
client.alias({ distinctId: "n0", alias: "n0-laptop" });
client.capture({ distinctId: "n0-laptop", event: "node_paid" });
await client.shutdown();
if (errors.length) throw new Error(errors.join("\n"));
