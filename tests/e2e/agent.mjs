// PostHog's toolkit for agents asks for a trend, stores it as an insight and asks for that one's
// numbers: node agent.mjs URL KEY. Prints what each tool answered.

import { PostHogAgentToolkit } from "@posthog/agent-toolkit/tools";

const [url, key] = process.argv.slice(2);
const toolkit = new PostHogAgentToolkit({ posthogApiToken: key, posthogApiBaseUrl: url });
const context = toolkit.getContext();
const tools = await toolkit.getTools();

async function asked(name, sent) {
    const tool = tools.find((each) => each.name === name);
    const answer = await tool.handler(context, tool.schema.parse(sent));
    return JSON.parse(answer.content[0].text);
}

const query = {
    kind: "InsightVizNode",
    source: {
        kind: "TrendsQuery",
        dateRange: { date_from: "-2d" },
        series: [
            { kind: "EventsNode", event: "trend_viewed", custom_name: "Viewers", math: "dau" },
        ],
        breakdownFilter: { breakdown: "plan", breakdown_type: "event" },
    },
};
const run = await asked("query-run", { query });
const stored = await asked("insight-create-from-query", {
    data: { name: "Viewers", query, favorited: false },
});
const again = await asked("insight-query", { insightId: String(stored.id) });
console.log(JSON.stringify({ run, again: again.results, name: again.insight.name }));
