// A worker with one activity, `print_card`: what Temporal gives it is the id of a call.
import { ApplicationFailure } from "@temporalio/activity";
import { NativeConnection, Worker } from "@temporalio/worker";

const { PARCOURS_URL, PARCOURS_KEY, TEMPORAL_ADDRESS = "127.0.0.1:7233" } = process.env;
const queue = "shop-cards";

async function parcours(method, path, body) {
  const response = await fetch(PARCOURS_URL + path, {
    method,
    headers: { Authorization: `Bearer ${PARCOURS_KEY}`, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (response.ok) return response.json();
  if (response.status === 410) return null; // the call is over, and nothing is left to do
  // What is refused would be refused again. The reason may quote a customer: it stays here.
  const nonRetryable = [400, 404, 422].includes(response.status);
  throw ApplicationFailure.create({ message: `HTTP ${response.status}`, nonRetryable });
}

const activities = {
  async print_card(id) {
    const call = await parcours("GET", `/v1/calls/${id}`);
    if (!call) return;
    const { text, copies = 1 } = call.parameters;
    console.log(`${copies} × "${text}" for customer ${call.customer.external_id} (${call.key})`);
    await parcours("POST", `/v1/calls/${id}`, { result: { sheets: Math.ceil(copies / 4) } });
  },
};

const about = {
  title: "Print a card", icon: "printer", queue, timeout: "10s", retry_for: "1d",
  parameters: { type: "object", required: ["text"], properties: {
    text: { type: "string", title: "Text", maxLength: 200 },
    copies: { type: "integer", title: "Copies", minimum: 1, default: 1 } } },
  result: { type: "object", properties: { sheets: { type: "integer" } } },
};
const tell = () => parcours("PUT", "/v1/activities/print_card", about);
await tell();
setInterval(() => tell().catch((error) => console.error(error.message)), 60_000).unref();

const connection = await NativeConnection.connect({ address: TEMPORAL_ADDRESS });
await (await Worker.create({ connection, taskQueue: queue, activities })).run();
